"""Formats of RDF: what is written are N-Triples, which Turtle, TriG and N-Quads readers read too.

A fact is one triple of lamlam's own IRIs. Where it has a source, a confidence, a period or a
surface of its own, a statement (``rdf:Statement``) about the triple stands beside it and holds
them. An alias is ``skos:altLabel``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, TypeAlias

from lamlam.memory_backends.fact_formats.format import Faults, Format, Item, LossReport
from lamlam.memory_backends.fact_formats.rdf_facts import read_rdf
from lamlam.memory_backends.fact_formats.rdf_iris import entity_iri, relation_iri
from lamlam.memory_backends.fact_formats.rdf_literals import RdfLiteral, literal_of
from lamlam.memory_backends.fact_formats.rdf_syntax import OF_LINES
from lamlam.memory_backends.fact_formats.rdf_vocabulary import (
    ALIAS,
    BASE,
    INVERSE,
    IS_A,
    LABEL,
    PARTS,
    STATEMENT,
    XSD,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.timestamps import written_moment
from lamlam.memory_backends.model.values import EntityRef, surface_of

_Term: TypeAlias = str | RdfLiteral
"""An IRI, a blank node (``_:…``) or a literal."""


def write(items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write the triples of each item together, and a label for each entity."""
    entity = ""
    for number, item in enumerate(items):
        match item:
            case Assert(fact):
                iri = entity_iri(fact.entity, fact.namespace)
                if iri != entity:
                    entity = iri
                    _put(file, iri, LABEL, RdfLiteral(fact.entity, ""))
                _put_fact(file, iri, fact, f"_:f{number}")
            case AddAlias(name, alias, namespace):
                _put(file, entity_iri(name, namespace), ALIAS, RdfLiteral(alias, ""))
            case DefineRelation(rule):
                iri = relation_iri(rule.name)
                _put(file, iri, f"{BASE}cardinality", RdfLiteral(rule.cardinality, ""))
                if rule.value_type is not None:
                    _put(file, iri, f"{BASE}type", RdfLiteral(rule.value_type.value, ""))
                if rule.inverse is not None:
                    _put(file, iri, INVERSE, relation_iri(rule.inverse))


def _put_fact(file: IO[bytes], iri: str, fact: Fact, node: str) -> None:
    relation = relation_iri(fact.relation)
    value: _Term = (
        entity_iri(fact.value.name, fact.namespace)
        if isinstance(fact.value, EntityRef)
        else literal_of(fact.value)
    )
    more = [("source", RdfLiteral(source, "")) for source in fact.sources]
    if fact.surface != surface_of(fact.value):
        more.append(("surface", RdfLiteral(fact.surface, "")))
    if fact.confidence != 1.0:
        more.append(("confidence", RdfLiteral(repr(fact.confidence), f"{XSD}double")))
    for name, moment in (("valid_from", fact.valid_from), ("valid_to", fact.valid_to)):
        if moment is not None:
            text = written_moment(moment)
            kind = "dateTime" if "T" in text else "date"
            more.append((name, RdfLiteral(text, f"{XSD}{kind}")))
    if more:
        _put(file, node, IS_A, STATEMENT)
        for (part, _), term in zip(PARTS.items(), (iri, relation, value), strict=True):
            _put(file, node, part, term)
        for name, literal in more:
            _put(file, node, BASE + name, literal)
    _put(file, iri, relation, value)


def _put(file: IO[bytes], subject: str, predicate: str, term: _Term) -> None:
    file.write(f"{_written(subject)} {_written(predicate)} {_written(term)} .\n".encode())


def _written(term: _Term) -> str:
    if not isinstance(term, RdfLiteral):
        return term if term.startswith("_:") else f"<{term}>"
    text = term.text.replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{text}"^^<{term.datatype}>' if term.datatype else f'"{text}"'


def _format(name: str, syntax: str, *suffixes: str, is_written: bool = True) -> Format:
    def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
        return read_rdf(lines, syntax, faults)

    return Format(
        name,
        read,
        write if is_written else None,
        suffixes=suffixes,
        is_read_twice=syntax == "JSON_LD",
        is_one_text=syntax not in OF_LINES,
    )


RDF_FORMATS = (
    _format("nt", "N_TRIPLES", "ntriples"),
    _format("nq", "N_QUADS", "nquads"),
    _format("ttl", "TURTLE", "turtle"),
    _format("trig", "TRIG"),
    _format("jsonld", "JSON_LD", "json-ld", is_written=False),
    _format("rdf", "RDF_XML", "rdfxml", "owl", is_written=False),
)
"""By their usual suffixes."""
