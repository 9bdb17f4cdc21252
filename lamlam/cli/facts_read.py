"""The commands that read: ``get``, ``history``, ``search`` and ``stats``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.facts_options import (
    AsOf,
    Entity,
    InNamespace,
    Json,
    MaybeRelation,
    OfNamespace,
    ReadMemory,
    WriteMemory,
    namespace_of,
)
from lamlam.cli.facts_progress import counted
from lamlam.cli.facts_stores import any_store, own_store
from lamlam.cli.output import print_json, print_result, printable_line, stderr_console
from lamlam.cut_text import cut_text

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(epilog='Example: lamlam facts get "Elvis Presley" "place of birth"')(get)
    app.command(epilog='Example: lamlam facts history "Ada Quill"')(history)
    app.command(epilog="Example: lamlam facts stats --memory bundled")(stats)


def get(
    entity: Annotated[str | None, typer.Argument(help="The entity that the fact is about.")] = None,
    relation: Annotated[
        str | None, typer.Argument(help='The relation, such as "birth place".')
    ] = None,
    fact_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The fact with this id, instead of ENTITY."),
    ] = None,
    memory: ReadMemory = None,
    namespace: InNamespace = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE", help="Facts that hold at this moment; default: now."),
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Show what memory answers. Exit status 1 if it has no answer.

    With --id it shows the fact that a lookup, a span or a receipt names, also one that has ended.
    """
    from lamlam.cli.facts_by_id import show_fact
    from lamlam.cli.facts_output import lookup_as_json, print_lookup, print_not_found
    from lamlam.errors import UsageError
    from lamlam.memory_backends.model.timestamps import as_moment
    from lamlam.memory_backends.open import BUNDLED

    if fact_id is not None:
        if entity is not None or namespace is not None or at is not None or as_of is not None:
            raise UsageError("--id names the fact", hint="leave out ENTITY and the other options")
        return show_fact(fact_id, memory, as_json)
    if entity is None or relation is None:
        hint = "lamlam facts search ENTITY shows the facts of an entity"
        raise UsageError("get takes ENTITY and RELATION, or --id", hint=hint)
    space = namespace_of(namespace)
    moment = None if at is None else as_moment(at)
    with any_store(memory) as store:
        result = store.lookup(entity, relation, namespace=space, valid_at=moment, as_of=as_of)
        facts, location = result.facts, store.info().location
    if memory is None and as_of is None and not space and not result.values:
        # The bundled facts may know what the user's own file does not.
        with any_store(BUNDLED) as store:
            bundled = store.lookup(entity, relation, valid_at=moment)
            if bundled.values:
                own, location = location, store.info().location
                result, facts = bundled, bundled.facts
                if own != location:
                    said = f"your own facts ({own}) do not say; the bundled ones answer"
                    stderr_console().print(printable_line(said), style="dim", soft_wrap=True)
    if as_json:
        print_json({**lookup_as_json(result, facts), "memory": location})
    elif result.values:
        print_lookup(result, facts)
    else:
        print_not_found(result, entity, relation)
    if not result.values:
        raise typer.Exit(NOT_FOUND)


def history(
    entity: Entity,
    relation: MaybeRelation = None,
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Show facts that have ended and what replaced them, oldest first. Exit status 1 if none."""
    from lamlam.cli.facts_output import Ended, ended_as_json, print_ended
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.model.synonyms import same_relation

    space = namespace_of(namespace)
    with own_store(memory, read_only=True) as store:
        past = store.history(entity, relation, namespace=space)
        versions = [one.fact for one in past]
        if past:
            versions += store.scan(entity, namespace=space, include_expired=True)
    ended = [
        Ended(
            one,
            tuple(
                fact
                for fact in versions
                if fact.revision == one.retracted
                and same_relation(relation_key(fact.relation), relation_key(one.fact.relation))
            ),
        )
        for one in past
    ]
    if as_json:
        print_json({"facts": [ended_as_json(one) for one in ended]})
    elif ended:
        print_ended(ended)
    if not ended:
        if not as_json:
            stderr_console().print(
                printable_line(f"nothing about {_short(entity)!r} has ended"), soft_wrap=True
            )
        raise typer.Exit(NOT_FOUND)


def stats(memory: ReadMemory = None, namespace: OfNamespace = None, as_json: Json = False) -> None:
    """Count what memory holds, and show where it is."""
    space = None if namespace is None else namespace_of(namespace)
    with any_store(memory) as store:
        figures = asdict(store.info())
        if space is not None:
            figures = {"location": figures["location"], **_counts(store, space)}
            print_result({**figures, "revision": store.info().revision}, as_json)
            return
    del figures["read_only"]  # of this opening, not of the store
    figures = {name: value for name, value in figures.items() if value is not None}
    print_result(figures, as_json)


def _counts(store: SyncFactStore, namespace: Namespace) -> dict[str, int]:
    """Return how much one namespace holds."""
    n_facts, entities, relations = 0, set(), set()
    facts = store.scan(namespace=namespace, include_expired=True)
    for fact in counted(facts, "counting", store.info().facts):
        n_facts += 1
        entities.add(fact.entity)
        relations.add(fact.relation)
    return {"facts": n_facts, "entities": len(entities), "relations": len(relations)}


def _short(text: str) -> str:
    """Return the text, or only its beginning if it is long."""
    return cut_text(text, 60, "...")
