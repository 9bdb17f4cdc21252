"""``lamlam eval``: the figures of the README, measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lamlam.cli import (
    evaluate_forgetting,
    evaluate_names,
    evaluate_texts,
    evaluate_wordings,
    evaluate_words,
)
from lamlam.cli.model_options import FactsInPrompt, Model
from lamlam.cli.output import print_result

app = typer.Typer(
    help="Measure a model: facts completed, invented facts, perplexity.",
    no_args_is_help=True,
)
evaluate_words.register(app)
evaluate_texts.register(app)
evaluate_forgetting.register(app)
evaluate_wordings.register(app)
evaluate_names.register(app)


@app.callback()
def asking(
    ctx: typer.Context,
    at_once: Annotated[
        int,
        typer.Option(
            "--at-once",
            metavar="N",
            min=1,
            max=256,
            help="Complete so many prompts at a time: faster, most of all with --threads 1 on a busy"
            " machine.",
        ),
    ] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the engine. Default: the usable processors.")
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of one text. Default: as the model was trained."),
    ] = None,
) -> None:
    """Set how all commands of this group ask."""
    from lamlam.evaluation.engines import EngineUse, asking_with

    ctx.with_resource(asking_with(EngineUse(at_once, threads, context)))


Documents = Annotated[
    Path,
    typer.Option(
        "--documents",
        metavar="FILE",
        help="JSON lines, plain, .gz, .xz or .bz2; - reads standard input.",
    ),
]
NoMemory = Annotated[bool, typer.Option("--no-memory", help="Forbid lookups.")]
Verbalise = Annotated[
    str | None,
    typer.Option(
        "--verbalise", help="Write values by copy or by model. Default: as the model was trained."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command(
    epilog="Example: lamlam eval completion --documents corpus.jsonl.xz --items 300 --json"
)
def completion(
    documents: Documents,
    items: Annotated[int, typer.Option(min=1, help="How many facts to complete.")] = 300,
    seed: Annotated[int, typer.Option(help="Which facts: items are shuffled with it.")] = 0,
    model: Model = "bundled",
    no_memory: NoMemory = False,
    facts_in_prompt: FactsInPrompt = False,
    verbalise: Verbalise = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the model writes a fact's value where a document states it."""
    from lamlam.evaluation.completion import evaluate_completion

    figures = evaluate_completion(
        documents,
        items=items,
        seed=seed,
        model=model,
        no_memory=no_memory,
        facts_in_prompt=facts_in_prompt,
        verbalise=verbalise,
        show_progress=True,
    )
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam eval invented --names typed")
def invented(
    items: Annotated[int | None, typer.Option(min=1, help="How many items; default: all.")] = None,
    names: Annotated[
        str,
        typer.Option(help="Relation names: corpus (as trained) or typed (as people type them)."),
    ] = "corpus",
    model: Model = "bundled",
    no_memory: NoMemory = False,
    facts_in_prompt: FactsInPrompt = False,
    verbalise: Verbalise = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the model writes facts about invented people, films, towns, firms, books."""
    from lamlam.evaluation.invented import evaluate_invented

    figures = evaluate_invented(
        items=items,
        model=model,
        names=names,
        no_memory=no_memory,
        facts_in_prompt=facts_in_prompt,
        verbalise=verbalise,
        show_progress=True,
    )
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam eval perplexity --documents corpus.jsonl.xz --items 200")
def perplexity(
    documents: Documents,
    items: Annotated[
        int | None, typer.Option(min=1, help="How many documents; default: all.")
    ] = None,
    model: Model = "bundled",
    as_json: AsJson = False,
) -> None:
    """Measure how well the model predicts documents, with values from memory and without."""
    from lamlam.evaluation.perplexity import evaluate_perplexity

    print_result(
        evaluate_perplexity(documents, items=items, model=model, show_progress=True), as_json
    )
