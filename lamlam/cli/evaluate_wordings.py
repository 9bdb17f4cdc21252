"""``lamlam eval wordings``, ``table`` and ``basics``: many ways to ask for a fact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.facts_options import InNamespace, namespace_of
from lamlam.cli.model_options import FactsInPrompt, Model
from lamlam.cli.output import print_result

Seed = Annotated[int, typer.Option(help="Which facts: they are drawn with it.")]
MemoryOff = Annotated[bool, typer.Option("--memory-off", help="Forbid lookups.")]
Policy = Annotated[str | None, typer.Option(help="What follows a miss.")]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against", metavar="FILE", help="JSON of an earlier run: print the paired difference."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Example: lamlam eval wordings --items 300 --more-facts 3 --json",
    )(wordings)
    app.command(
        epilog="Example: lamlam eval table --file countries.csv --wordings mine.txt --json",
    )(table)
    app.command(
        "basics",
        epilog="Example: lamlam eval basics --details --json",
    )(first_questions)


def wordings(
    items: Annotated[
        int | None, typer.Option(min=1, help="How many items; default: every wording once.")
    ] = None,
    more_facts: Annotated[
        int, typer.Option(min=0, help="Other facts that each entity holds at least.")
    ] = 3,
    seed: Seed = 0,
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen",
            help="Ask in the sentences that are kept apart from the trainer's worded documents.",
        ),
    ] = False,
    model: Model = "bundled",
    memory_off: MemoryOff = False,
    facts_in_prompt: FactsInPrompt = False,
    policy: Policy = None,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Ask for facts of invented entities in hundreds of wordings, held and retracted."""
    from lamlam.evaluation.other_words import WordSettings
    from lamlam.evaluation.outcomes import read_outcomes
    from lamlam.evaluation.wordings import evaluate_wordings

    before = None if against is None else read_outcomes(against)
    figures = evaluate_wordings(
        items=items,
        seed=seed,
        settings=WordSettings(
            model=model,
            policy=policy,
            memory_off=memory_off,
            facts_in_prompt=facts_in_prompt,
            more_facts=more_facts,
        ),
        unseen=unseen,
    )
    _print(figures, before, as_json)


def table(
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="CSV",
            help="A wide table: a row an entity. Default: the shipped one of 50 countries.",
        ),
    ] = None,
    wordings: Annotated[
        Path | None,
        typer.Option(
            "--wordings",
            metavar="FILE",
            help="One wording a line, with {E} and {R}. Default: the shipped forty.",
        ),
    ] = None,
    items: Annotated[int, typer.Option(min=1, help="How many cells to ask for.")] = 500,
    seed: Seed = 0,
    model: Model = "bundled",
    memory_off: MemoryOff = False,
    policy: Policy = None,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Ask for the cells of a table by the heads of its columns."""
    from lamlam.evaluation.other_words import WordSettings
    from lamlam.evaluation.outcomes import read_outcomes
    from lamlam.evaluation.table import COUNTRIES_FILE, TABLE_WORDINGS_FILE, evaluate_table

    before = None if against is None else read_outcomes(against)
    figures = evaluate_table(
        file or COUNTRIES_FILE,
        wordings or TABLE_WORDINGS_FILE,
        items=items,
        seed=seed,
        settings=WordSettings(model=model, policy=policy, memory_off=memory_off),
    )
    _print(figures, before, as_json)


def first_questions(
    items_file: Annotated[
        Path | None,
        typer.Option(
            "--items-file",
            metavar="FILE",
            help="Questions as JSON lines; - reads standard input. Default: the shipped sixty.",
        ),
    ] = None,
    memory: Annotated[
        str, typer.Option("--memory", metavar="URL", help="The facts, which are only read.")
    ] = "bundled",
    namespace: InNamespace = None,
    model: Model = "bundled",
    policy: Policy = None,
    memory_off: MemoryOff = False,
    facts_in_prompt: FactsInPrompt = False,
    details: Annotated[
        bool, typer.Option("--details", help="List what was asked and written where it was wrong.")
    ] = False,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Ask what people ask first: about countries, elements, people and films."""
    from lamlam.evaluation.first_questions import evaluate_first_questions
    from lamlam.evaluation.outcomes import read_outcomes

    before = None if against is None else read_outcomes(against)
    figures = evaluate_first_questions(
        items_file,
        model=model,
        memory=memory,
        policy=policy,
        no_memory=memory_off,
        facts_in_prompt=facts_in_prompt,
        details=details,
        namespace=namespace_of(namespace),
    )
    _print(figures, before, as_json)


def _print(figures: dict[str, Any], before: dict[str, bool] | None, as_json: bool) -> None:
    """Print a result, with its difference to an earlier run if there is one."""
    from lamlam.evaluation.outcomes import difference_fields

    if before is not None:
        figures["against"] = difference_fields(figures["outcomes"], before)
    print_result(figures if as_json else _for_people(figures), as_json)


def _for_people(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures with one number a group, without those of single items."""
    return {
        name: {key: group.get("exact", group.get("right")) for key, group in value.items()}
        if name.startswith("by_")
        else value
        for name, value in figures.items()
        if name not in ("outcomes", "by_relation", "by_wording")
    }
