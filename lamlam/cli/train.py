"""``lamlam train``: the trainer, with a progress bar."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.log_warnings import showing_warnings
from lamlam.cli.output import print_error, print_json, stderr_console
from lamlam.errors import MissingExtra, TrainingStopped
from lamlam.progress_bars import progress_bar

if TYPE_CHECKING:
    from lamlam.trainer.progress import Progress
    from lamlam.trainer.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command ``train``."""
    app.command(epilog="Example: lamlam train tiny.toml --minutes 5 --set data.plain=true")(train)


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Settings of the run.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the state in run.output.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Stop after so many minutes (run.minutes).")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="A setting that replaces the file's."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model on documents with facts, or a plain one without lookups."""
    for package in ("torch", "transformers", "tokenizers", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra("train", package)
    from lamlam.trainer.settings import load_settings

    given = list(changes or [])
    if minutes is not None:
        given.append(f"run.minutes={minutes}")
    try:
        folder = _train(load_settings(config, given), resume)
    except TrainingStopped as stopped:
        print_error(str(stopped), stopped.hint or "")
        raise typer.Exit(stopped.status) from None
    record = json.loads((folder / "lamlam.json").read_text(encoding="utf-8"))["training"]
    figures = {
        "checkpoint": str(folder),
        "steps": record["steps"],
        "loss": record["last_loss"],
        "seconds": record["seconds"],
    }
    if as_json:
        print_json(figures)
    else:
        typer.echo(f"{folder}: {record['steps']} steps, {record['seconds']:.0f} s")
        typer.echo(f"next: lamlam export {folder} model.gguf")


def _train(settings: Settings, resume: bool) -> Path:
    """Train with a progress bar; returns the checkpoint's folder."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    from lamlam.trainer.__main__ import logging_to
    from lamlam.trainer.loop import train as run

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (
        logging_to(Path(settings.run.output), to_terminal=False),
        progress_bar(*columns) as bar,
        showing_warnings(stderr_console() if bar.disable else bar.console),
    ):
        task = bar.add_task("preparing", total=1.0)

        def show(progress: Progress) -> None:
            share = progress.mfu
            bar.update(
                task,
                description=f"step {progress.step}  loss {progress.loss:.3f}  "
                f"{progress.tokens_per_s:,.0f} tokens/s"
                + ("" if share is None else f"  MFU {share:.0%}"),
                completed=progress.seconds / max(progress.seconds + progress.seconds_left, 1e-9),
            )

        return run(settings, resume=resume, report=show)
