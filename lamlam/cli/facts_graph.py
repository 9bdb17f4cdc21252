"""``lamlam facts graph``: an entity's facts and neighbours, as a tree of text or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import Entity, InNamespace, Json, ReadMemory, namespace_of
from lamlam.cli.facts_stores import any_store, hint_at_name, read_where
from lamlam.cli.output import print_json, printable_line, stderr_console, stdout_console
from lamlam.cut_text import cut_text

if TYPE_CHECKING:
    from rich.tree import Tree

    from lamlam.cli.neighbourhood import Branch

NOT_FOUND = 1
_SHOWN = 100  # characters of a value


def register(app: typer.Typer) -> None:
    """Add the command ``facts graph``."""
    app.command(epilog='Example: lamlam facts graph "Marie Curie" --depth 2 --out curie.svg')(graph)


def graph(
    entity: Entity,
    depth: Annotated[
        int,
        typer.Option("--depth", min=1, max=6, help="How many facts away from the entity to go."),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A .svg or .png file to draw; default: print a tree."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most facts to show.")] = 60,
    memory: ReadMemory = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Show an entity with its facts, and those of the entities that they name.

    Exit status 1 if memory holds nothing of the entity.
    """
    from lamlam.cli.graph_picture import check_suffix, draw
    from lamlam.cli.neighbourhood import neighbourhood

    if out is not None:
        check_suffix(out)
    space = namespace_of(namespace)
    with any_store(memory) as store:
        around = neighbourhood(store, entity, depth=depth, limit=limit, namespace=space)
        if around is None and not as_json:
            hint_at_name(store, entity, space, read=read_where(memory, store))
    if around is None:
        if as_json:
            print_json({"entity": None, "facts": [], "left_out": 0})
        raise typer.Exit(NOT_FOUND)
    if out is not None:
        draw(around, out)
    if as_json:
        shown: dict[str, Any] = {
            "entity": around.name,
            "facts": [_as_json(one) for one in around.branches],
            "left_out": around.left_out,
        }
        print_json({**shown, "file": str(out)} if out is not None else shown)
        return
    if out is None:
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(printable_line(around.name), style="bold"))
        _grow(tree, around.branches)
        stdout_console().print(tree)
    else:
        typer.echo(printable_line(str(out)))
    if around.left_out:
        said = f"{around.left_out:,} more facts are left out; --limit shows them"
        stderr_console().print(said, soft_wrap=True)


def _grow(tree: Tree, branches: list[Branch]) -> None:
    from rich.text import Text

    from lamlam.cli.facts_output import period

    for branch in branches:
        fact = branch.fact
        value = cut_text(fact.surface, _SHOWN)
        line = Text.assemble(
            (f"{printable_line(fact.relation)}: ", "dim"),
            (printable_line(value), "italic" if branch.is_repeat else ""),
        )
        if dates := period(fact):
            line.append(f"  {dates}", style="dim")
        _grow(tree.add(line), branch.branches)


def _as_json(branch: Branch) -> dict[str, Any]:  # Any: JSON
    from lamlam.cli.facts_output import fact_as_json

    return {**fact_as_json(branch.fact), "facts": [_as_json(one) for one in branch.branches]}
