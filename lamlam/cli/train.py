"""``lamlam train``: the trainer, with a live view."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.log_warnings import showing_warnings
from lamlam.cli.output import print_json, stderr_console
from lamlam.errors import MissingExtra, TrainingStopped, UsageError

if TYPE_CHECKING:
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
    find_learning_rate: Annotated[
        bool,
        typer.Option(
            "--find-learning-rate",
            help="Try learning rates in short runs, say which to use, and train nothing.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model on documents with facts, or a plain one without lookups."""
    for package in ("torch", "transformers", "tokenizers", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra("train", package)
    from lamlam.trainer.kept_heap import keep_freed_memory
    from lamlam.trainer.settings import load_settings

    given = list(changes or [])
    if minutes is not None:
        given.append(f"run.minutes={minutes}")
    if find_learning_rate:
        if resume:
            raise UsageError("--find-learning-rate trains nothing that --resume could go on with")
        _find_learning_rate(load_settings(config, given), as_json)
        return
    is_first = os.environ.get("RANK", "0") == "0"  # of those that torchrun started
    try:
        settings = load_settings(config, given)
        keep_freed_memory(settings.run.device)
        folder = _train(settings, resume)
    except TrainingStopped as stopped:
        if is_first:
            raise
        raise typer.Exit(stopped.status) from None
    if not is_first:
        return
    record = json.loads((folder / "lamlam.json").read_text(encoding="utf-8"))["training"]
    figures = {
        "checkpoint": str(folder),
        "steps": record["steps"],
        "loss": record["last_loss"],
        "seconds": record["seconds"],
        "evaluation": record["evaluation"],
    }
    if as_json:
        print_json(figures)
        return
    typer.echo(f"{folder}: {record['steps']} steps, {record['seconds']:.0f} s")
    if record["evaluation"] is not None:
        typer.echo(f"held out: {_in_words(record['evaluation'])}")
    typer.echo(f"next: lamlam export {folder} model.gguf")


def _in_words(evaluation: dict[str, Any]) -> str:
    from lamlam.trainer.run_records.figures import HeldOutFigures

    return HeldOutFigures(**evaluation).in_words()


def _train(settings: Settings, resume: bool) -> Path:
    """Train under a live view, or with plain lines where no terminal is; returns the checkpoint."""
    from lamlam.cli.train_view import TrainView
    from lamlam.trainer.__main__ import logging_to
    from lamlam.trainer.loop import train as run

    console = stderr_console()
    output = Path(settings.run.output)
    if os.environ.get("RANK", "0") != "0":  # torchrun's others: the first one speaks for all
        return run(settings, resume=resume)
    if not console.is_interactive:
        with logging_to(output, to_terminal=True):
            return run(settings, resume=resume)
    with (
        logging_to(output, to_terminal=False),
        TrainView(console, has_token_files=bool(settings.data.tokens)) as view,
        showing_warnings(console),
    ):
        return run(settings, resume=resume, watchers=[view])


def _find_learning_rate(settings: Settings, as_json: bool) -> None:
    from lamlam.trainer.learning_rates import (
        FACTORS,
        in_words,
        report_places,
        suggestion,
        sweep_learning_rates,
        write_report,
    )

    report_places(settings)  # what cannot be written is refused before minutes of work
    console = stderr_console()
    console.print(f"trying {len(FACTORS)} learning rates in short runs …", style="dim")
    with showing_warnings(console):
        sweep = sweep_learning_rates(
            settings, tell=lambda run: console.print(in_words(run), soft_wrap=True)
        )
        written = write_report(sweep, settings)
    if as_json:
        print_json(sweep.as_dict())
        return
    typer.echo(f"use {suggestion(sweep)}")
    for place in written:
        typer.echo(f"written: {place}")
