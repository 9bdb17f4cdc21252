"""The commands for names: ``entities``, ``namespaces``, ``alias``, ``merge`` and ``split``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.facts_options import (
    Entity,
    InNamespace,
    Json,
    OfNamespace,
    ReadMemory,
    WriteMemory,
    namespace_of,
)
from lamlam.cli.facts_stores import any_store, hint_at_name, own_store, read_where
from lamlam.cli.output import print_json, print_result, printable_line, stderr_console

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import Op

NOT_FOUND = 1

_Kept = Annotated[str, typer.Argument(help="The entity that keeps the facts.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(epilog="Example: lamlam facts entities --namespace users/7")(entities)
    app.command(epilog="Example: lamlam facts namespaces users")(namespaces)
    app.command(epilog='Example: lamlam facts alias "Ada Quill" "the miller of Lowmere"')(alias)
    app.command(epilog='Example: lamlam facts merge "Ada Quill" "A. Quill"')(merge)
    app.command(epilog='Example: lamlam facts split "Ada Quill" "A. Quill"')(split)


def entities(
    memory: ReadMemory = None, namespace: OfNamespace = None, as_json: Json = False
) -> None:
    """List every entity, also those of which only the history is left. Exit status 1 if none."""
    from dataclasses import asdict

    from lamlam.cli.facts_output import print_table

    space = None if namespace is None else namespace_of(namespace)
    with any_store(memory) as store:
        found = list(store.entities(namespace=space))
    if as_json:
        print_json({"entities": [asdict(one) for one in found]})
    else:
        rows = [(one.name, "/".join(one.namespace), str(one.facts), str(one.past)) for one in found]
        print_table(("entity", "namespace", "facts", "ended"), rows)
    if not found:
        raise typer.Exit(NOT_FOUND)


def namespaces(
    prefix: Annotated[
        str | None,
        typer.Argument(metavar="A/B", help="Only namespaces that begin so; default: all."),
    ] = None,
    memory: ReadMemory = None,
    as_json: Json = False,
) -> None:
    """List namespaces with what is in each, history included. Exit status 1 if none."""
    from dataclasses import asdict

    from lamlam.cli.facts_output import print_table

    space = namespace_of(prefix)
    with any_store(memory) as store:
        found = list(store.namespaces(space))
        read = read_where(memory, store)
    if as_json:
        print_json({"namespaces": [asdict(one) for one in found]})
    elif found:
        rows = [
            ("/".join(one.namespace) or "(none)", *map(str, (one.entities, one.facts, one.past)))
            for one in found
        ]
        print_table(("namespace", "entities", "facts", "ended"), rows)
    if not found:
        if not as_json:
            said = (
                f"no namespace that begins with {prefix!r} holds anything" if space else "no facts"
            )
            stderr_console().print(printable_line(f"{said} {read}"), soft_wrap=True)
        raise typer.Exit(NOT_FOUND)


def alias(
    entity: Entity,
    name: Annotated[
        str | None, typer.Argument(help="Another name for it; default: show its names.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the name from the entity.")
    ] = False,
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Give an entity another name, or show its names. Exit status 1 if there are none."""
    from lamlam.errors import UsageError
    from lamlam.memory_backends.model.operations import AddAlias, RemoveAlias

    if remove and name is None:
        raise UsageError("--remove needs a name", hint="say which name to remove")
    space = namespace_of(namespace)
    with own_store(memory, read_only=name is None) as store:
        changed = None
        if name is not None:
            op: Op = RemoveAlias(entity, name, space) if remove else AddAlias(entity, name, space)
            changed = store.apply([op]).facts
        aliases = store.aliases(entity, namespace=space)
        revision = store.info().revision
        is_missing = not aliases if changed is None else remove and not changed
        if is_missing and not as_json:
            lacks = f"other name {name!r}" if name else "other name"
            hint_at_name(store, entity, space, lacks=lacks)
    if as_json:
        print_json({"aliases": aliases, "revision": revision})
    else:
        for one in aliases:
            typer.echo(printable_line(one))
    if is_missing:
        raise typer.Exit(NOT_FOUND)


def merge(
    kept: _Kept,
    merged: Annotated[str, typer.Argument(help="The entity that is the same one.")],
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Make two entities one, found by both names; split undoes it."""
    from lamlam.memory_backends.model.operations import MergeEntities

    _apply(MergeEntities(kept, merged, namespace_of(namespace)), memory, as_json)


def split(
    kept: _Kept,
    merged: Annotated[str, typer.Argument(help="The entity that was merged into it.")],
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Undo a merge: facts that came with the merged entity, and still hold, go back to it."""
    from lamlam.memory_backends.model.operations import SplitEntities

    _apply(SplitEntities(kept, merged, namespace_of(namespace)), memory, as_json)


def _apply(op: Op, memory: str | None, as_json: bool) -> None:
    with own_store(memory) as store:
        commit = store.apply([op])
        # Names are among the changes of a commit: facts are those that the other entity has now.
        changes = store.changes(commit.revision - 1)
        n_moved = sum(one.kind == "asserted" for one in changes if one.revision == commit.revision)
    figures = {"revision": commit.revision, "facts": n_moved}
    print_result(figures if as_json else {**figures, "facts": f"{n_moved} moved"}, as_json)
