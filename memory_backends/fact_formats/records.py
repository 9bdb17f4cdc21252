"""Records: what a store holds, each as one JSON object, and back without loss."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.validation import check_op
from lamlam.memory_backends.fact_formats.format import Item
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import written_moment
from lamlam.memory_backends.model.values import OBJECTS, as_json, from_json, surface_of

_REQUIRED = ("entity", "relation", "value")
_OPTIONAL = (
    "surface", "source", "sources", "confidence", "valid_from", "valid_to", "namespace",
)  # fmt: skip
_OF_THE_STORE = ("id", "revision", "retracted")
_OF_A_FACT = frozenset((*_REQUIRED, *_OPTIONAL, *_OF_THE_STORE))
_OF_AN_ALIAS = frozenset(("alias", "entity", "namespace"))
_OF_A_RULE = frozenset(("relation", "cardinality", "type", "inverse"))
# What an alias and a rule are known by; a key of another kind's beside them leaves it open.
_ALIAS_KEYS = frozenset(("alias", "entity"))
_RULE_KEYS = frozenset(("relation", "cardinality"))
TELLING = _ALIAS_KEYS | _RULE_KEYS | {"value"}
_KINDS = {"a fact": frozenset(_REQUIRED), "an alias": _ALIAS_KEYS, "a relation's rule": _RULE_KEYS}


def record_of(item: Item) -> dict[str, Any]:  # Any: JSON
    """Return the object of an item; fields that are as usual are left out."""
    match item:
        case Assert(fact):
            return _record_of_fact(fact)
        case AddAlias(entity, alias, namespace):
            record: dict[str, Any] = {"alias": alias, "entity": entity}
            return record | {"namespace": list(namespace)} if namespace else record
        case DefineRelation(rule):
            record = {"relation": rule.name, "cardinality": rule.cardinality}
            if rule.value_type is not None:
                record["type"] = rule.value_type.value
            if rule.inverse is not None:
                record["inverse"] = rule.inverse
            return record


def item_of(record: dict[str, Any], *, ignore_unknown: bool = False) -> Item:  # Any: JSON
    """Undo `record_of`; what the store fills in by itself is left alone.

    Raises:
        BadFact: a field is missing, unknown or wrong.
    """
    telling = TELLING & record.keys()
    if telling >= _KINDS["a fact"]:
        return _fact_of(record, ignore_unknown)
    if "alias" in telling and telling <= _ALIAS_KEYS:
        _check_known(record, _OF_AN_ALIAS, "an alias", ignore_unknown)
        _check_present(record, ("entity",))
        alias = AddAlias(record["entity"], record["alias"], tuple(_listed(record, "namespace")))
        check_op(alias)
        return alias
    if "cardinality" in telling and telling <= _RULE_KEYS:
        _check_known(record, _OF_A_RULE, "a relation's rule", ignore_unknown)
        _check_present(record, ("relation",))
        return DefineRelation(
            RelationRule(
                record["relation"], record["cardinality"], record.get("type"), record.get("inverse")
            )
        )
    if telling & {"alias", "cardinality"}:
        raise _unclear(telling)
    return _fact_of(record, ignore_unknown)


def _unclear(telling: frozenset[str]) -> BadFact:
    """Return the error of a record that is of no single kind, by what it looks like."""
    looks = [
        f"{kind} without {lacking}" if (lacking := ", ".join(sorted(keys - telling))) else kind
        for kind, keys in _KINDS.items()
        if telling & (keys - {"entity", "relation"}) or len(telling & keys) > 1
    ]
    return BadFact(
        f"invalid fact: it looks like {' and like '.join(looks)}",
        hint="a fact has entity, relation and value, an alias has alias and entity,"
        " a rule has relation and cardinality",
    )


def _fact_of(record: dict[str, Any], ignore_unknown: bool) -> Assert:  # Any: JSON
    if record.keys() - _OF_A_FACT and (missing := [key for key in _REQUIRED if key not in record]):
        found = ", ".join(repr(str(key)[:30]) for key in list(record)[:5])
        raise BadFact(
            f"invalid fact: {', '.join(missing)} is missing; the keys are {found}",
            hint="the keys of a fact are entity, relation and value",
        )
    if "type" in record and not ignore_unknown:
        raise BadFact(
            "invalid fact: 'type' is not a key of a fact: the value says its own type",
            hint=f"write {OBJECTS}, and a number without quotes",
        )
    _check_known(record, _OF_A_FACT, "a fact", ignore_unknown)
    _check_present(record, _REQUIRED)
    if record.get("retracted") is not None:
        raise BadFact(
            "invalid fact: retracted must be empty: the fact has ended",
            hint="a file contains only current facts",
        )
    given = {name: record[name] for name in _OPTIONAL if record.get(name) is not None}
    if "confidence" in given:
        given["confidence"] = _number(given["confidence"])
    for name in ("sources", "namespace"):
        if name in given:
            given[name] = _listed(record, name)
    fact = Fact(
        entity=record["entity"],
        relation=record["relation"],
        value=from_json(record["value"]),
        **given,
    )
    return Assert(fact)


def _record_of_fact(fact: Fact) -> dict[str, Any]:
    record: dict[str, Any] = {
        "entity": fact.entity, "relation": fact.relation, "value": as_json(fact.value),
    }  # fmt: skip
    if fact.surface != surface_of(fact.value):
        record["surface"] = fact.surface
    if len(fact.sources) == 1:
        record["source"] = fact.sources[0]
    elif fact.sources:
        record["sources"] = list(fact.sources)
    if fact.confidence != 1.0:
        record["confidence"] = fact.confidence
    if fact.valid_from is not None:
        record["valid_from"] = written_moment(fact.valid_from)
    if fact.valid_to is not None:
        record["valid_to"] = written_moment(fact.valid_to)
    if fact.namespace:
        record["namespace"] = list(fact.namespace)
    return record


def _check_known(
    record: dict[str, Any], known: frozenset[str], what: str, ignore_unknown: bool
) -> None:
    if ignore_unknown or record.keys() <= known:
        return
    (first, *_) = (name for name in record if name not in known)
    shown = repr(first if len(first) <= 60 else f"{first[:57]}...")
    raise BadFact(
        f"invalid fact: {shown} is not a key of {what}",
        hint="--ignore-unknown leaves such keys alone",
    )


def _check_present(record: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if name not in record:
            raise BadFact(f"invalid fact: {name} is missing")


def _listed(record: dict[str, Any], name: str) -> list[Any]:
    given = record.get(name)
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadFact(f"invalid fact: {name} must be a list, got {type(given).__name__}")
    return given


def _number(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        raise BadFact(f"invalid fact: confidence must be a number, got {type(given).__name__}")
    try:
        return float(given)
    except OverflowError:
        raise BadFact("invalid fact: confidence must be from 0 to 1") from None
