"""``lamlam facts relations``: the relations of a store and their rules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import Json, OfNamespace, namespace_of
from lamlam.cli.facts_progress import counted
from lamlam.cli.facts_stores import any_store, own_store, read_where
from lamlam.cli.output import print_json, printable_line, stderr_console

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.relation_rules import RelationRule
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command ``facts relations``."""
    app.command(epilog='Example: lamlam facts relations "birth date" --one --type date')(relations)


def relations(
    relation: Annotated[
        str | None, typer.Argument(help="The relation to define; default: show all of them.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="URL",
            help="A store's URL; default: your own facts, or to show the bundled ones if none.",
        ),
    ] = None,
    one: Annotated[
        bool, typer.Option("--one", help="An entity has one value of it at a time.")
    ] = False,
    many: Annotated[
        bool, typer.Option("--many", help="An entity may have several values of it.")
    ] = False,
    type: Annotated[
        str | None, typer.Option("--type", help="What its values are, as for facts set.")
    ] = None,
    inverse: Annotated[
        str | None,
        typer.Option("--inverse", help='What the value is to the entity: "child" for "parent".'),
    ] = None,
    convert: Annotated[
        bool,
        typer.Option(
            "--convert",
            help="With --inverse: texts that are values already become references to entities,"
            " too; the history keeps them.",
        ),
    ] = False,
    namespace: OfNamespace = None,
    as_json: Json = False,
) -> None:
    """Show relations with their counts and rules, or define a rule for one of them.

    A rule holds for what is written from then on, under all synonyms of the relation. Exit
    status 1 if there is nothing to show.
    """
    from lamlam.errors import UsageError

    is_rule = one or many or type is not None or inverse is not None
    if one and many:
        raise UsageError("--one and --many exclude each other")
    if is_rule and relation is None:
        raise UsageError("a rule needs a relation", hint="name it first: facts relations NAME …")
    if convert and inverse is None:
        raise UsageError("--convert needs --inverse")
    if relation is not None and is_rule:
        _define(relation, one, type, inverse, memory, as_json, converts=convert)
        return
    space = None if namespace is None else namespace_of(namespace)
    with any_store(memory) as store:
        counts, rules = _gathered(store, space)
        read = read_where(memory, store)
    if relation is not None:
        counts, rules = _of_one(relation, counts, rules)
    rows = _rows(counts, rules)
    if as_json:
        print_json({"relations": rows})
    elif rows:
        _print(rows)
    else:
        said = f"memory has no such relations {read}"
        stderr_console().print(printable_line(said), soft_wrap=True)
    if not rows:
        raise typer.Exit(NOT_FOUND)


def _define(
    relation: str,
    one: bool,
    type: str | None,
    inverse: str | None,
    memory: str | None,
    as_json: bool,
    *,
    converts: bool,
) -> None:
    from lamlam.memory_backends.model.operations import DefineRelation
    from lamlam.memory_backends.model.references import can_name, references_for
    from lamlam.memory_backends.model.relation_rules import RelationRule

    kind: Any = type  # checked by the rule itself
    rule = RelationRule(relation, "one" if one else "many", kind, inverse)
    with own_store(memory, create=True) as store:
        texts = _texts(store, rule) if inverse is not None else []
        converted = [fact for fact in texts if converts and can_name(fact)]
        commit = store.apply([DefineRelation(rule), *references_for(converted)])
    row = _rule_as_json(rule)
    n_texts = len(texts) - len(converted)
    if as_json:
        done = {"revision": commit.revision, "changed": commit.facts}
        print_json({**done, "converted": len(converted), "texts": n_texts, **row})
    else:
        _print([{"relation": relation, "facts": 0, **row}], with_counts=False)
    if n_texts:
        what, them = ("1 fact has", "it") if n_texts == 1 else (f"{n_texts} facts have", "them")
        stderr_console().print(
            f"{what} a text as value: add --convert, or set {them} again with --type entity, to be"
            " found from the other side"
            if not converts
            else f"{what} a text as value that is too long for a name",
            soft_wrap=True,
        )


def _texts(store: SyncFactStore, rule: RelationRule) -> list[Fact]:
    """Return the facts of the relation and its inverse that are not seen from the other side."""
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.model.synonyms import same_relation
    from lamlam.memory_backends.model.values import EntityRef

    ours = (rule.key, relation_key(rule.inverse or rule.name))
    facts = counted(
        store.scan(namespace=None, include_expired=True), "counting", store.info().facts
    )
    return [
        fact
        for fact in facts
        if not isinstance(fact.value, EntityRef)
        and any(same_relation(relation_key(fact.relation), key) for key in ours)
    ]


def _gathered(
    store: SyncFactStore, namespace: tuple[str, ...] | None
) -> tuple[Counter[str], list[RelationRule]]:
    """Return how often each relation occurs, under its most usual spelling, and all rules."""
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.protocol import Capability

    facts = counted(
        store.scan(namespace=namespace, include_expired=True), "counting", store.info().facts
    )
    spellings = Counter(fact.relation for fact in facts)
    rules = store.rules() if Capability.RULES in store.capabilities else []
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for name, count in spellings.most_common():
        counts[names.setdefault(relation_key(name), name)] += count
    return counts, rules


def _of_one(
    relation: str, counts: Counter[str], rules: list[RelationRule]
) -> tuple[Counter[str], list[RelationRule]]:
    """Return the counts and rules of the relation and its synonyms alone."""
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.model.synonyms import same_relation

    key = relation_key(relation)
    kept = {name: n for name, n in counts.items() if same_relation(relation_key(name), key)}
    return Counter(kept), [rule for rule in rules if same_relation(rule.key, key)]


def _rows(counts: Counter[str], rules: list[RelationRule]) -> list[dict[str, Any]]:
    from lamlam.memory_backends.model.keys import relation_key
    from lamlam.memory_backends.model.relation_rules import RelationRules

    known = RelationRules(rules)
    rows: list[dict[str, Any]] = []
    shown: set[str] = set()
    for name, count in counts.most_common():
        rule = known.of(relation_key(name))
        if rule is not None:
            shown.add(rule.key)
        rows.append({"relation": name, "facts": count, **_rule_as_json(rule)})
    rows += [
        {"relation": rule.name, "facts": 0, **_rule_as_json(rule)}
        for rule in rules
        if rule.key not in shown
    ]
    return rows


def _rule_as_json(rule: RelationRule | None) -> dict[str, Any]:
    if rule is None:
        return {"rule": None}
    kind = rule.value_type.value if rule.value_type is not None else None
    return {
        "rule": {
            "name": rule.name,
            "cardinality": rule.cardinality,
            "type": kind,
            "inverse": rule.inverse,
        }
    }


def _print(rows: list[dict[str, Any]], *, with_counts: bool = True) -> None:
    from lamlam.cli.facts_output import print_table

    columns = ("relation", *(("facts",) if with_counts else ()), "values", "type", "inverse")
    print_table(
        columns,
        [
            (
                row["relation"],
                *((f"{row['facts']:,}",) if with_counts else ()),
                (row["rule"] or {}).get("cardinality", ""),
                (row["rule"] or {}).get("type") or "",
                (row["rule"] or {}).get("inverse") or "",
            )
            for row in rows
        ],
    )
