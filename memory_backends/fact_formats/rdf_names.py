"""Names and values as RDF terms: the vocabulary of N-Triples files, and names of foreign IRIs.

An entity is ``urn:lamlam:entity:NAME``, a relation ``urn:lamlam:relation:NAME``, every name
percent-encoded; the parts of a namespace stand before the name, each with a slash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.values import (
    EntityRef,
    PartialDate,
    Quantity,
    Value,
    ValueType,
    as_value,
    parse_value,
    surface_of,
    type_of,
)

BASE = "urn:lamlam:"
ENTITY = f"{BASE}entity:"
RELATION = f"{BASE}relation:"
QUANTITY = f"{BASE}quantity"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
ALIAS = "http://www.w3.org/2004/02/skos/core#altLabel"
INVERSE = "http://www.w3.org/2002/07/owl#inverseOf"

_TYPES = {
    "boolean": ValueType.BOOLEAN,
    "date": ValueType.DATE, "gYear": ValueType.DATE, "gYearMonth": ValueType.DATE,
    "decimal": ValueType.DECIMAL, "double": ValueType.DECIMAL, "float": ValueType.DECIMAL,
} | dict.fromkeys(
    (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    ),
    ValueType.INTEGER,
)  # fmt: skip
_DATES = {1: "gYear", 2: "gYearMonth", 3: "date"}
_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class RdfLiteral(NamedTuple):
    """A literal: its text and its datatype, empty for text in whatever language."""

    text: str
    datatype: str


def entity_iri(name: str, namespace: Namespace) -> str:
    """Return the IRI of an entity."""
    return ENTITY + "/".join(quote(part, safe="") for part in (*namespace, name))


def relation_iri(name: str) -> str:
    """Return the IRI of a relation."""
    return RELATION + quote(name, safe="")


def own_entity(iri: str) -> tuple[Namespace, str]:
    """Undo `entity_iri`.

    Raises:
        BadFact: the name in it is not text.
    """
    *namespace, name = (_unquoted(part) for part in iri.removeprefix(ENTITY).split("/"))
    return tuple(namespace), name


def own_relation(iri: str) -> str:
    """Undo `relation_iri`.

    Raises:
        BadFact: the name in it is not text.
    """
    return _unquoted(iri.removeprefix(RELATION))


def foreign_name(iri: str, labels: Mapping[str, str]) -> str:
    """Return the label of an IRI that is not ours, or its last part, ``_`` a space.

    >>> foreign_name("http://dbpedia.org/resource/Ada_Lovelace", {})
    'Ada Lovelace'
    """
    return labels.get(iri) or last_part(iri)


def last_part(iri: str) -> str:
    """Return what stands in an IRI after the last ``#``, ``/`` or ``:``."""
    parts = [part for part in re.split("[#/:]", iri) if part]
    name = _unquoted(parts[-1]).replace("_", " ") if parts else ""
    return name if name.strip() else iri


def literal_of(value: Value) -> RdfLiteral:
    """Return the literal of a value that is not an entity; `value_of_literal` undoes it."""
    match value:
        case str():
            return RdfLiteral(value, "")
        case bool():
            return RdfLiteral(str(value).lower(), f"{XSD}boolean")
        case PartialDate(_, month, day):
            parts = 1 + (month is not None) + (day is not None)
            return RdfLiteral(value.isoformat(), f"{XSD}{_DATES[parts]}")
        case Quantity():
            return RdfLiteral(surface_of(value), QUANTITY)
        case EntityRef():
            raise TypeError("an entity is not a literal")
        case _:
            return RdfLiteral(surface_of(value), f"{XSD}{type_of(value).value}")


def value_of_literal(literal: RdfLiteral) -> Value:
    """Return the value that a literal is; of a datatype that lamlam lacks, its text.

    Raises:
        BadFact: the text is not of its datatype.
    """
    text, datatype = literal
    if datatype == QUANTITY:
        amount, _, unit = text.partition(" ")
        number = parse_value(ValueType.DECIMAL, amount)
        return Quantity(number, unit)  # type: ignore[arg-type]  # a decimal, as asked for
    kind = _TYPES.get(datatype.removeprefix(XSD)) if datatype.startswith(XSD) else None
    if kind is None:
        return as_value(text)
    plain = text.strip()
    if kind is ValueType.BOOLEAN:
        if plain not in _BOOLEANS:
            raise BadFact(f"invalid fact: value {plain[:40]!r} is not a boolean")
        return _BOOLEANS[plain]
    return parse_value(kind, _ZONE.sub("", plain) if kind is ValueType.DATE else plain)


def _unquoted(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise BadFact(f"invalid fact: {text[:60]!r} is not percent-encoded UTF-8") from None
