"""``lamlam eval biography`` and ``tofu``: whole texts and answers, and what they state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.output import print_result

Model = Annotated[str, typer.Option("--model", help="A GGUF file, or the bundled model.")]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="FILE",
        help="What an earlier run printed with --json: adds the paired difference to it.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_LONG = ("outcomes", "texts")  # for programs; a table of them would hide the figures


def register(app: typer.Typer) -> None:
    """Add the commands to ``lamlam eval``."""
    app.command(
        epilog="Example: lamlam eval biography --memory sqlite:///facts.db --items 200 --json"
    )(biography)


def biography(
    memory: Annotated[
        str, typer.Option("--memory", metavar="URL", help="The store to write from and check by.")
    ] = "bundled",
    items: Annotated[int, typer.Option(min=1, help="How many entities to write about.")] = 100,
    seed: Annotated[int, typer.Option(help="Which entities of the store are taken.")] = 0,
    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", metavar="FILE", help="Names to write about, one a line."),
    ] = None,
    opening: Annotated[
        str, typer.Option(help="The prompt; {name} is where the name goes.")
    ] = "{name}",
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="How many tokens each text has.")
    ] = 128,
    model: Model = "bundled",
    no_memory: Annotated[
        bool,
        typer.Option("--no-memory", help="Write without lookups; checked against the store still."),
    ] = False,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Measure how many facts in texts about entities are right, wrong or not in the store."""
    from lamlam.evaluation.biography import evaluate_biography
    from lamlam.evaluation.outcomes import read_outcomes

    before = None if against is None else read_outcomes(against)
    figures = evaluate_biography(
        memory=memory,
        items=items,
        seed=seed,
        names=prompts,
        opening=opening,
        max_tokens=max_tokens,
        model=model,
        no_memory=no_memory,
    )
    _print(figures, before, as_json)


def _print(figures: dict[str, Any], before: dict[str, bool] | None, as_json: bool) -> None:
    """Print a result, with its difference to an earlier run if there is one."""
    from lamlam.evaluation.outcomes import difference_fields

    if before is not None:
        figures["against"] = difference_fields(figures["outcomes"], before)
    if not as_json:
        figures = {name: value for name, value in figures.items() if name not in _LONG}
    print_result(figures, as_json)
