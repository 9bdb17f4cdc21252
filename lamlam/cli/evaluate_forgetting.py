"""``lamlam eval audit`` and ``forgetting``: does the model forget what its memory no longer holds?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.facts_options import InNamespace, namespace_of
from lamlam.cli.model_options import FactsInPrompt, Model
from lamlam.cli.output import print_json, printable_line, shortened, stdout_console

Seed = Annotated[int, typer.Option(help="Which facts: they are shuffled with it.")]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against", metavar="FILE", help="JSON of an earlier run: print the paired difference."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_MOST_ROWS = 20
_COLUMNS = ("full", "contains", "del_on", "L", "R")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog="Example: lamlam eval audit --database base.json --prompts prompts/base/*.jsonl"
    )(audit)
    app.command(epilog="Example: lamlam eval forgetting --memory bundled --items 50")(forgetting)


def audit(
    database: Annotated[
        Path,
        typer.Option("--database", metavar="FILE", help="The audit's database, LMLM's own JSON."),
    ],
    prompts: Annotated[
        list[Path],
        typer.Option("--prompts", metavar="FILE…", help="Its prompts, one file for each style."),
    ],
    more_prompts: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]…", help="More files of prompts.")
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=1, help="How many facts, each in every style; default: all.")
    ] = None,
    seed: Seed = 0,
    model: Model = "bundled",
    policy: Annotated[
        str | None, typer.Option(help="What follows a miss while lookups are on.")
    ] = None,
    facts_in_prompt: FactsInPrompt = False,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Measure with LMLMAudit whether the model forgets a fact that was deleted from memory.

    full: right with memory whole. del_on, del_off: right with the fact deleted, lookups on and
    off. L is del_off; R is right only because lookups were on.
    """
    from lamlam.evaluation.audit import evaluate_audit

    figures = evaluate_audit(
        database,
        [*prompts, *(more_prompts or ())],
        model=model,
        items=items,
        seed=seed,
        policy=policy,
        facts_in_prompt=facts_in_prompt,
        against=against,
        show_progress=True,
    )
    if as_json:
        print_json(figures)
        return
    print_leakage(figures)


def forgetting(
    memory: Annotated[
        str, typer.Option("--memory", metavar="URL", help="The store; it is copied, and only read.")
    ],
    items: Annotated[
        int, typer.Option(min=1, help="How many relations of entities, each in every style.")
    ] = 50,
    seed: Seed = 0,
    model: Model = "bundled",
    namespace: InNamespace = None,
    against: Against = None,
    as_json: AsJson = False,
) -> None:
    """Measure whether the model forgets facts of a store, once they are erased in a copy of it.

    Asks for a sample of facts in six styles. full, del_on, L and R as in lamlam eval audit.
    """
    from lamlam.evaluation.forgetting import evaluate_forgetting

    figures = evaluate_forgetting(
        memory,
        items=items,
        seed=seed,
        model=model,
        against=against,
        show_progress=True,
        namespace=namespace_of(namespace),
    )
    if as_json:
        print_json(figures)
        return
    print_leakage(figures)


def print_leakage(figures: dict[str, Any]) -> None:
    """Print the figures as tables: a row a group, the last one for all."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = stdout_console()
    for key in ("by_style", "by_relation"):
        groups: dict[str, Any] = figures.get(key, {})
        if not groups:
            continue
        table = Table(box=SIMPLE_HEAD)
        table.add_column(key.removeprefix("by_"), overflow="fold")
        table.add_column("n", justify="right")
        for name in _COLUMNS:
            table.add_column(name, justify="right")
        largest = sorted(groups, key=lambda group: -int(groups[group]["n"]))[:_MOST_ROWS]
        for group, found in groups.items():
            if group in largest:
                table.add_row(shortened(printable_line(group)), *_row(found))
        if len(groups) > len(largest):
            table.add_row(f"{len(groups) - len(largest)} more; --json has them")
        table.add_section()
        table.add_row("all", *_row(figures))
        console.print(table)
    for name in _COLUMNS:
        low, high = figures[name]["low"], figures[name]["high"]
        typer.echo(f"{name:<9} {figures[name]['value']:.3f}  95 % {low:.3f} to {high:.3f}")
    if "class_prior" in figures:
        typer.echo(f"always the relation's commonest value: {figures['class_prior']:.3f}")
    if paired := figures.get("against"):
        typer.echo(
            f"full against the earlier run: {paired['difference']:+.3f} (gained {paired['gained']},"
            f" lost {paired['lost']}, n {paired['n']}, p {paired['p']:.3g})"
        )


def _row(figures: dict[str, Any]) -> list[str]:
    return [str(figures["n"]), *(f"{figures[name]['value']:.3f}" for name in _COLUMNS)]
