"""``lamlam eval biography`` and ``tofu``: whole texts and answers, and what they state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.facts_options import InNamespace, namespace_of
from lamlam.cli.model_options import Model
from lamlam.cli.output import print_result, printable_line, stdout_console

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
    app.command(epilog="Example: lamlam eval tofu --items-file tofu.jsonl.gz --items 30 --json")(
        tofu
    )


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
    namespace: InNamespace = None,
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
        namespace=namespace_of(namespace),
    )
    _print(figures, before, as_json)


def tofu(
    items_file: Annotated[
        Path,
        typer.Option(
            "--items-file",
            metavar="FILE",
            help="TOFU as JSON lines, plain, .gz, .xz or .bz2; - reads standard input.",
        ),
    ],
    items: Annotated[int, typer.Option(min=1, help="How many of each set are asked.")] = 50,
    seed: Annotated[int, typer.Option(help="Which items, and which wrong values.")] = 0,
    model: Model = "bundled",
    plain: Annotated[bool, typer.Option("--plain", help="Run without memory.")] = False,
    template: Annotated[
        str, typer.Option(help="The prompt; {question} is where the question goes.")
    ] = "{question}",
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Measure recall and likelihood of TOFU's answers before and after facts are erased."""
    from lamlam.evaluation.outcomes import read_outcomes
    from lamlam.evaluation.tofu import evaluate_tofu

    before = None if against is None else read_outcomes(against)
    figures = evaluate_tofu(
        items_file, items=items, seed=seed, model=model, plain=plain, template=template
    )
    if not as_json:
        _print_sets(figures.pop("sets"), figures["states"])
    _print(figures, before, as_json)


def _print_sets(sets: Any, states: Any) -> None:
    """Print the figures of TOFU's sets as a table, a row for each state of the memory."""
    from rich.table import Table

    columns = ("recall_asked", "recall", "rouge_l", "likelihood", "truth_ratio_median")
    table = Table(box=None)
    for name in ("set", "n", "memory", *columns):
        title = {"recall_asked": "recall\n(asked)", "truth_ratio_median": "truth ratio\n(median)"}
        name = title.get(name, name.replace("_", "-"))
        is_text = name in ("set", "memory")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=is_text)
    for name, figures in sets.items():
        for state in states:
            cells = [figures[state].get(column) for column in columns]
            shown = [cell["share"] if isinstance(cell, dict) else cell for cell in cells]
            table.add_row(
                printable_line(name),
                str(figures["n"]),
                state,
                *("" if cell is None else f"{cell:.4g}" for cell in shown),
            )
    stdout_console().print(table)


def _print(figures: dict[str, Any], before: dict[str, bool] | None, as_json: bool) -> None:
    """Print a result, with its difference to an earlier run if there is one."""
    from lamlam.evaluation.outcomes import difference_fields

    if before is not None:
        figures["against"] = difference_fields(figures["outcomes"], before)
    if not as_json:
        figures = {name: value for name, value in figures.items() if name not in _LONG}
    print_result(figures, as_json)
