"""``lamlam prepare``: documents to token files that training reads."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.log_warnings import showing_warnings
from lamlam.cli.output import print_json, print_result, stderr_console
from lamlam.errors import MissingExtra
from lamlam.progress_bars import progress_bar

if TYPE_CHECKING:
    from lamlam.trainer.settings import Settings
    from lamlam.trainer.token_files.manifest import Manifest
    from lamlam.trainer.token_files.preparation import PreparationProgress


def register(app: typer.Typer) -> None:
    """Add the command ``prepare``."""
    app.command(epilog="Example: lamlam prepare my_model.toml --out tokens --epochs 10")(prepare)


def prepare(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG.toml", help="Settings of the run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Folder to write.")
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, help="Epochs to draw; training takes them in turn.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=0, help="Processes; by default one for each processor."),
    ] = None,
    verified: Annotated[
        Path | None,
        typer.Option("--verify", metavar="FOLDER", help="Compare a folder with its hashes."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="A setting that replaces the file's."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write what training would draw of its documents into token files.

    Each epoch is augmented, encoded and masked as lamlam train would do it,
    once and in parallel, into files that training maps into memory: set
    data.tokens to the folder. A run that was stopped goes on from the shards
    that are whole.
    """
    for package in ("numpy", "tokenizers"):
        if find_spec(package) is None:
            raise MissingExtra("train", package)
    from lamlam.trainer.prepare import (
        check_arguments,
        figures_of,
        next_command,
        verify,
        workers_of,
    )
    from lamlam.trainer.settings import load_settings

    check_arguments(config, out, verified, epochs)
    if verified is not None:
        print_result(_flat(verify(verified)) if not as_json else verify(verified), as_json)
        return
    assert config is not None and out is not None
    began = time.monotonic()
    manifest = _prepare(
        load_settings(config, list(changes or [])), out, epochs, workers_of(workers)
    )
    figures = figures_of(manifest) | {"seconds": round(time.monotonic() - began, 1)}
    if as_json:
        print_json(figures)
        return
    print_result(_flat(figures), False)
    typer.echo(f"next: {next_command(config, out)}")


def _flat(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures with one line for each source."""
    lines = {name: value for name, value in figures.items() if name != "sources"}
    for name, counts in figures["sources"].items():
        lines[f"source {name or 'without a name'}"] = (
            f"{counts['documents']:,} documents, {counts['tokens']:,} tokens, "
            f"{counts['lookups']:,} lookups, {counts['masked_share']:.0%} masked"
        )
    return lines


def _prepare(settings: Settings, out: Path, epochs: int, workers: int) -> Manifest:
    """Prepare with a progress bar."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    from lamlam.trainer.token_files.preparation import prepare as run

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (
        progress_bar(*columns) as bar,
        showing_warnings(stderr_console() if bar.disable else bar.console),
    ):
        task = bar.add_task("reading documents", total=None)

        def show(progress: PreparationProgress) -> None:
            bar.update(
                task,
                description=f"shard {progress.done:,} of {progress.shards:,}  "
                f"{progress.tokens_per_s:,.0f} tokens/s",
                completed=progress.done,
                total=progress.shards,
            )

        return run(settings, out, epochs=epochs, workers=workers, report=show)
