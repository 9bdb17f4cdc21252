"""``lamlam eval pararel``, ``trex``, ``questions``, ``lre``: facts asked in other people's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.model_options import FactsInPrompt, Model
from lamlam.cli.output import print_json
from lamlam.cli.word_tables import print_words
from lamlam.errors import UsageError

if TYPE_CHECKING:
    from lamlam.evaluation.word_items import SetName

ItemsFile = Annotated[
    Path,
    typer.Option(
        "--items-file",
        metavar="FILE",
        help="The set, JSON lines, plain, .gz, .xz or .bz2; - reads standard input.",
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="Names of the relations. Default: labels.json beside it."
    ),
]
Items = Annotated[int, typer.Option(min=1, help="How many items.")]
Seed = Annotated[int, typer.Option(help="Which items: they are shuffled with it.")]
MoreFacts = Annotated[
    int, typer.Option(min=0, help="Add so many facts of other relations to each entity.")
]
ShuffledValues = Annotated[
    bool,
    typer.Option("--shuffled-values", help="Each fact holds another entity's value instead."),
]
OtherEntities = Annotated[
    str | None,
    typer.Option(
        "--other-entities",
        metavar="N|FILE",
        help="Put so many invented other entities, or the facts of a file, into memory too.",
    ),
]
Curve = Annotated[
    bool,
    typer.Option(
        "--curve", help="Measure coverage and false values at several settings too (slow)."
    ),
]
Training = Annotated[
    Path | None,
    typer.Option(
        "--training",
        metavar="FILE",
        help="Divide the items by how often their value is a fact of this corpus.",
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against", metavar="FILE", help="Compare with an earlier run, printed with --json."
    ),
]
MemoryOff = Annotated[bool, typer.Option("--memory-off", help="Forbid lookups.")]
Policy = Annotated[str | None, typer.Option(help="What follows a miss.")]
Details = Annotated[
    bool, typer.Option("--details", help="List what was asked and written where it was wrong.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add one command for each set."""
    for name, file, help_line in (
        ("pararel", "trex_pararel.jsonl.gz", "Ask for facts by the sentences of ParaRel."),
        ("questions", "entityquestions.jsonl.gz", "Ask for facts by simple questions."),
        ("lre", "relations_lre.jsonl.gz", "Ask for facts by the prompts of the LRE study."),
    ):
        example = f"Example: lamlam eval {name} --items-file {file} --more-facts 5 --json"
        app.command(name, help=help_line, epilog=example)(_command(name))  # type: ignore[arg-type]
    app.command(
        epilog="Example: lamlam eval trex --items-file trex_lmlm_prompts.jsonl.gz --items 300"
    )(trex)


def trex(
    items_file: ItemsFile,
    labels: LabelsFile = None,
    items: Items = 200,
    seed: Seed = 0,
    more_facts: MoreFacts = 0,
    model: Model = "bundled",
    memory_off: MemoryOff = False,
    facts_in_prompt: FactsInPrompt = False,
    shuffled_values: ShuffledValues = False,
    other_entities: OtherEntities = None,
    policy: Policy = None,
    paper: Annotated[
        bool,
        typer.Option("--paper", help="The paper's settings: its preset, 32 tokens, first 5 words."),
    ] = False,
    curve: Curve = False,
    training: Training = None,
    against: Against = None,
    details: Details = False,
    as_json: AsJson = False,
) -> None:
    """Ask for facts by sentences of Wikipedia, cut before a value (T-REx)."""
    _run(
        "trex",
        items_file,
        as_json,
        {"labels": labels, "items": items, "seed": seed},
        model=model,
        policy=policy,
        memory_off=memory_off,
        facts_in_prompt=facts_in_prompt,
        more_facts=more_facts,
        shuffled_values=shuffled_values,
        others=_others(other_entities),
        paper=paper,
        curve=curve,
        training=training,
        against=against,
        details=details,
    )


def _command(name: SetName) -> Callable[..., None]:
    def command(
        items_file: ItemsFile,
        labels: LabelsFile = None,
        items: Items = 200,
        seed: Seed = 0,
        more_facts: MoreFacts = 0,
        model: Model = "bundled",
        memory_off: MemoryOff = False,
        facts_in_prompt: FactsInPrompt = False,
        shuffled_values: ShuffledValues = False,
        other_entities: OtherEntities = None,
        policy: Policy = None,
        curve: Curve = False,
        training: Training = None,
        against: Against = None,
        details: Details = False,
        as_json: AsJson = False,
    ) -> None:
        _run(
            name,
            items_file,
            as_json,
            {"labels": labels, "items": items, "seed": seed},
            model=model,
            policy=policy,
            memory_off=memory_off,
            facts_in_prompt=facts_in_prompt,
            more_facts=more_facts,
            shuffled_values=shuffled_values,
            others=_others(other_entities),
            curve=curve,
            training=training,
            against=against,
            details=details,
        )

    return command


def _run(
    name: SetName,
    items_file: Path,
    as_json: bool,
    choice: dict[str, Any],
    **settings: Any,  # of `WordSettings`
) -> None:
    from lamlam.evaluation.other_words import WordSettings, evaluate_other_words

    figures = evaluate_other_words(name, items_file, settings=WordSettings(**settings), **choice)
    (print_json if as_json else print_words)(figures)


def _others(given: str | None) -> Any:
    """Return how many entities to invent, or what puts the facts of a file into a store."""
    if given is None:
        return 0
    if given.isascii() and given.isdigit():
        return int(given)
    if not Path(given).is_file():
        raise UsageError(
            f"other-entities must be a number or a file of facts, got {given}",
            hint="for example --other-entities 100000",
        )
    from lamlam.memory_backends.fact_formats.fact_files import FactFile

    return FactFile(given)
