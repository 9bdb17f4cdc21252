"""The commands that change facts: ``set`` and ``retract``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import (
    Actor,
    Entity,
    InNamespace,
    Json,
    Relation,
    ValueType,
    WriteMemory,
    namespace_of,
    value_of,
)
from lamlam.cli.facts_stores import hint_at_name, own_store, say_how_to_ask
from lamlam.cli.output import (
    print_figures,
    print_json,
    printable_line,
    shortened,
)

if TYPE_CHECKING:
    from lamlam.memory_backends.model.early_moments import Instant
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Commit

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("set", epilog='Example: lamlam facts set "Ada Quill" "birth place" Lowmere')(set_)
    app.command(epilog='Example: lamlam facts retract "Ada Quill" "birth place" Lowmere')(retract)


def set_(
    entity: Entity,
    relation: Relation,
    value: Annotated[str, typer.Argument(help="The new value.")],
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    type: ValueType = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="When the fact began to hold; default: always."
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", help="The first moment at which it no longer held."
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="The source of the fact; may be given several times."),
    ] = None,
    confidence: Annotated[
        float,
        typer.Option("--confidence", min=0.0, max=1.0, help="How certain the fact is, 0 to 1."),
    ] = 1.0,
    surface: Annotated[
        str | None,
        typer.Option("--surface", help="The text to write for it, if not the usual one."),
    ] = None,
    actor: Actor = None,
    add: Annotated[
        bool, typer.Option("--add", help="Keep the values that the relation already has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set the value of a relation; the values before it end, and stay in the history.

    With a period only the values in that period end; values before and after it stay, and
    the values shown are those of that period.
    """
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.model.operations import Assert, Replace
    from lamlam.memory_backends.model.synonyms import same_relation

    fact = Fact(
        entity=entity,
        relation=relation,
        value=value_of(value, type),
        surface=surface,
        sources=source or (),
        confidence=confidence,
        valid_from=begin,
        valid_to=end,
        namespace=namespace_of(namespace),
    )
    with own_store(memory, create=True) as store:
        if add:
            # A sibling goes where the others are, whatever synonym they are kept under.
            known = store.lookup(entity, relation, namespace=fact.namespace).match
            held = known.relation.matched or relation
            is_same = same_relation(relation_key(held), relation_key(relation))
            if known.entity.kind == "exact" and is_same:
                fact = fact.model_copy(update={"relation": held})
        commit = store.apply([Assert(fact) if add else Replace(fact)], actor=actor)
        at = _moment_of(fact)
        result = store.lookup(entity, relation, namespace=fact.namespace, valid_at=at)
        values, fact_ids = list(result.values), list(result.fact_ids)
        # What it says was there before where the commit made no version of it.
        n_set = sum(
            one.surface == fact.surface and one.revision == commit.revision for one in result.facts
        )
        location = store.info().location
    figures = {
        "revision": commit.revision,
        "facts": n_set if commit.facts else 0,
        "values": values,
        "fact_ids": fact_ids,
        **({"at": at.isoformat()} if at else {}),
        "memory": location,
    }
    said = f"{figures['facts']} set, {len(commit.ended)} ended"
    _print_change(figures, commit, as_json, said if commit.facts else f"unchanged ({said})")
    if memory is None and not as_json:
        say_how_to_ask()


def _print_change(figures: dict[str, Any], commit: Commit, as_json: bool, facts: str) -> None:
    """Print figures and each fact that ended: it may have stood under another name.

    Args:
        figures: for machines.
        facts: how many facts there are of which kind, for people.
    """
    if as_json:
        ended = [
            {"entity": fact.entity, "relation": fact.relation, "value": fact.surface}
            for fact in commit.ended
        ]
        print_json({**figures, "changed": commit.facts, "ended": ended})
        return
    print_figures({**figures, "facts": facts})
    for fact in commit.ended:
        line = printable_line(f"ended: {fact.entity} | {fact.relation} | {fact.surface}")
        typer.echo(shortened(line))


def _moment_of(fact: Fact) -> Instant | None:
    """Return a moment at which the fact holds, ``None`` for now."""
    now = datetime.now(UTC)
    if fact.valid_from is not None and now < fact.valid_from:
        return fact.valid_from
    if fact.valid_to is not None and now >= fact.valid_to:
        return fact.valid_from or _just_before(fact.valid_to)
    return None


def _just_before(moment: Instant) -> Instant | None:
    from lamlam.memory_backends.model.timestamps import from_us, to_us

    microseconds = to_us(moment)
    return None if microseconds is None else from_us(microseconds - 1)


def retract(
    entity: Entity,
    relation: Relation,
    value: Annotated[
        str | None, typer.Argument(help="One value; default: all of the relation.")
    ] = None,
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    type: ValueType = None,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """End facts and keep them in the history. Exit status 1 if there are none.

    Without --type VALUE is the text that is shown, whatever the type of the value.
    """
    from lamlam.memory_backends.model.operations import Retract

    space = namespace_of(namespace)
    ended = None if value is None else value_of(value, type)
    with own_store(memory) as store:
        commit = store.apply([Retract(entity, relation, ended, space)], actor=actor)
        if not commit.facts:
            hint_at_name(store, entity, space, lacks=repr(relation))
    figures = {"revision": commit.revision, "facts": commit.facts}
    _print_change(figures, commit, as_json, f"{commit.facts} ended")
    if not commit.facts:
        raise typer.Exit(NOT_FOUND)
