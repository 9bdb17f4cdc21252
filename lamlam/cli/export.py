"""``lamlam export``, ``quantise`` and ``inspect``: from a checkpoint to a small file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.log_warnings import showing_warnings
from lamlam.cli.output import print_figures, print_json, print_result, stderr_console
from lamlam.errors import BadModelFile, UsageError
from lamlam.progress_bars import progress_bar

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands ``export``, ``quantise`` and ``inspect``."""
    app.command(
        epilog="Examples: lamlam export runs/lmlm model-f16.gguf; "
        "lamlam export runs/lmlm --delta delta.gguf --delta-type q4_0"
    )(export)
    app.command(epilog="Example: lamlam quantise model-f16.gguf model.gguf --type Q4_K_M")(quantise)
    app.command(epilog="Example: lamlam inspect model.gguf")(inspect)


def export(
    hf_dir: Annotated[
        Path,
        typer.Argument(metavar="HF_DIR", help="Folder with config.json and model.safetensors."),
    ],
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT.gguf", help="File to write, without --delta."),
    ] = None,
    dtype: Annotated[str, typer.Option(help="Numbers of the matrices: f16, bf16 or f32.")] = "f16",
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            metavar="NAME",
            help="A setting that the file may lack, such as chat_template; may be repeated.",
        ),
    ] = None,
    delta: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.gguf",
            help="Write the difference alone that a run with model.low_rank has learnt.",
        ),
    ] = None,
    delta_type: Annotated[
        str, typer.Option(help="Numbers of the difference: q8_0, q5_1, q5_0, q4_1, q4_0, f16, f32.")
    ] = "q8_0",
    delta_rank: Annotated[
        int, typer.Option(min=0, help="Cut the difference to this rank; 0: as it was learnt.")
    ] = 0,
    ancestor: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.gguf",
            help="What the run went on from; needed for the difference of a run of all weights.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a checkpoint as a GGUF file, ready to quantise or to run, or what it has learnt alone."""
    from lamlam.quant.export import export_gguf

    begin = time.perf_counter()
    if (out is None) == (delta is None):
        raise UsageError(
            "name one file to write", hint=f"lamlam export {hf_dir} OUT.gguf, or --delta OUT.gguf"
        )
    if out is None:
        assert delta is not None
        _export_delta(hf_dir, delta, delta_type.lower(), delta_rank, ancestor, as_json=as_json)
        return
    with _progress("exporting") as progress:
        export_gguf(
            hf_dir,
            out,
            dtype=dtype,  # type: ignore[arg-type]  # checked there
            leave_out=leave_out or (),
            progress=progress,
        )
    _report({"file": str(out), "bytes": out.stat().st_size, "type": dtype}, begin, as_json)


def _export_delta(
    hf_dir: Path,
    out: Path,
    delta_type: str,
    rank: int,
    ancestor: Path | None,
    *,
    as_json: bool,
) -> None:
    from lamlam.quant.delta_writing import export_delta

    begin = time.perf_counter()
    with _progress("exporting the difference") as progress:
        done = export_delta(
            hf_dir,
            out,
            delta_type=delta_type,  # type: ignore[arg-type]  # checked there
            rank=rank,
            ancestor=ancestor,
            progress=progress,
        )
    types = done.types if as_json else ", ".join(f"{n} {name}" for name, n in done.types.items())
    figures = {
        "file": str(out),
        "bytes": done.n_bytes,
        "rank": done.rank,
        "type": delta_type,
        "tensors": types,
        "error": round(done.error, 5),
    }
    _report(figures, begin, as_json)


def quantise(
    source: Annotated[Path, typer.Argument(metavar="IN", help="GGUF file in f16, bf16 or f32.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write.")],
    type_name: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q3_K_M, …")
    ] = "Q4_K_M",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; default: all usable ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a smaller copy of a GGUF file, by llama.cpp's quantiser."""
    from lamlam.quant import quantise as quantiser
    from lamlam.runtime.llama.model_parts import read_parts

    begin = time.perf_counter()
    with _progress("quantising") as progress:
        quantiser.quantise(source, target, type_name, threads, progress=progress)
    before, after = read_parts(source).n_bytes, target.stat().st_size
    figures = {
        "file": str(target),
        "bytes": after,
        "type": type_name.upper(),
        "bytes_before": before,
        "share": round(after / before, 4),
    }
    _report(figures, begin, as_json)


def inspect(
    model: Annotated[
        str, typer.Argument(metavar="M", help="A GGUF file, bundled, or a pulled model's name.")
    ],
    as_json: Json = False,
) -> None:
    """Show what a GGUF file holds: shape, types, vocabulary, lookup tokens, checksum."""
    from lamlam.bundled.model_names import hint_at_pull, model_file
    from lamlam.quant.inspect import inspect_model

    try:
        report = inspect_model(model_file(model))
    except BadModelFile as error:
        hint_at_pull(error, model)
        raise
    if as_json:
        print_json(report)
        return
    lookups = report.pop("lookup_tokens")
    if "training" in report["lamlam"]:  # too long for a line of a table
        report["lamlam"]["training"] = "settings and figures of the run: see --json"
    print_figures(
        {
            **{key: value for key, value in report.items() if key not in ("lamlam", "bytes")},
            "bytes": f"{report['bytes']:,}",
            "parameters": f"{report['parameters']:,}",
            **{f"lamlam.{key}": value for key, value in report["lamlam"].items()},
            **{token: found or "absent" for token, found in lookups.items()},
        }
    )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback that moves a bar on standard error; no bar where that is no terminal."""
    with (
        progress_bar() as bar,
        showing_warnings(stderr_console() if bar.disable else bar.console),
    ):
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _report(figures: dict[str, Any], begin: float, as_json: bool) -> None:
    figures["seconds"] = round(time.perf_counter() - begin, 3)
    print_result(figures, as_json)
