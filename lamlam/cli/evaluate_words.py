"""``lamlam eval pararel``, ``trex``, ``questions``, ``lre``: other people's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.output import print_result

if TYPE_CHECKING:
    from lamlam.evaluation.word_items import SetName

ItemsFile = Annotated[
    Path,
    typer.Option(
        "--items-file",
        metavar="FILE",
        help="The set, JSON lines, plain, .gz or .xz; - reads standard input.",
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
    int,
    typer.Option(min=0, help="Add so many facts of other relations to each entity."),
]
Model = Annotated[str, typer.Option("--model", help="A GGUF file, or the bundled model.")]
MemoryOff = Annotated[bool, typer.Option("--memory-off", help="Forbid lookups.")]
Policy = Annotated[str | None, typer.Option(help="What follows a miss.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_SETS: dict[SetName, tuple[str, str]] = {
    "pararel": ("trex_pararel.jsonl.gz", "Ask for facts by the sentences of ParaRel."),
    "trex": ("trex_lmlm_prompts.jsonl.gz", "Ask for facts by sentences of Wikipedia (T-REx)."),
    "questions": ("entityquestions.jsonl.gz", "Ask for facts by the questions of EntityQuestions."),
    "lre": ("relations_lre.jsonl.gz", "Ask for facts by the prompts of the LRE study."),
}


def register(app: typer.Typer) -> None:
    """Add one command for each set."""
    for name, (file, help_line) in _SETS.items():
        app.command(
            name, help=help_line, epilog=f"Example: lamlam eval {name} --items-file {file} --json"
        )(_command(name))


def _command(name: SetName):  # type: ignore[no-untyped-def]  # typer reads the signature
    def command(
        items_file: ItemsFile,
        labels: LabelsFile = None,
        items: Items = 200,
        seed: Seed = 0,
        more_facts: MoreFacts = 0,
        model: Model = "bundled",
        memory_off: MemoryOff = False,
        policy: Policy = None,
        as_json: AsJson = False,
    ) -> None:
        from lamlam.evaluation.other_words import WordSettings, evaluate_other_words

        figures = evaluate_other_words(
            name,
            items_file,
            labels=labels,
            items=items,
            seed=seed,
            settings=WordSettings(
                model=model, policy=policy, memory_off=memory_off, more_facts=more_facts
            ),
        )
        if not as_json:
            del figures["outcomes"], figures["by_relation"]
        print_result(figures, as_json)

    return command
