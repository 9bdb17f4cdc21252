"""``lamlam eval names``: the names in texts that memory is found to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamlam.cli.output import print_result


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Example: lamlam eval names --items-file entityquestions.jsonl.gz --items 2000 --json"
    )(names)


def names(
    items_file: Annotated[
        Path | None,
        typer.Option(
            "--items-file",
            metavar="FILE",
            help="Questions with their entity, JSON lines, plain, .gz, .xz or .bz2; - reads standard"
            " input. Default: 100 messages that come with lamlam.",
        ),
    ] = None,
    items: Annotated[int, typer.Option(min=1, help="How many questions of the file.")] = 2000,
    seed: Annotated[int, typer.Option(help="Which questions: they are drawn with it.")] = 0,
    details: Annotated[
        bool, typer.Option("--details", help="List the texts of which anything else was found.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure which names in texts `facts_about` finds: recall and precision, without a model."""
    from lamlam.evaluation.names_in_texts import evaluate_names

    figures = evaluate_names(
        items_file, items=items, seed=seed, details=details, show_progress=True
    )
    print_result(figures, as_json)
