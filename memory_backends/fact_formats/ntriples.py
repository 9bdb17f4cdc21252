"""N-Triples: facts as RDF; nothing that a store holds is lost.

A fact is one triple of `rdf_names`. Where it has a source, a confidence, a period or a surface of
its own, a statement (``rdf:Statement``) about the triple stands beside it and holds them. An alias
is ``skos:altLabel``. Files of others are read too: an entity or relation is called by the label of
its IRI, or else by the last part of it. What is said of blank nodes is refused: they have no name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from lamlam.errors import BadFact, MissingExtra
from lamlam.memory_backends.commits.validation import check_op
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    without_mark,
)
from lamlam.memory_backends.fact_formats.rdf_names import (
    ALIAS,
    BASE,
    ENTITY,
    INVERSE,
    LABEL,
    RDF,
    RELATION,
    XSD,
    RdfLiteral,
    entity_iri,
    foreign_name,
    last_part,
    literal_of,
    own_entity,
    own_relation,
    relation_iri,
    value_of_literal,
)
from lamlam.memory_backends.fact_formats.records import written_moment
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, Value, surface_of

if TYPE_CHECKING:
    from lamlam.memory_backends.fact_formats.rdf_lines import TripleParser

Term: TypeAlias = str | RdfLiteral
"""An IRI, a blank node (``_:…``) or a literal."""
Triple: TypeAlias = tuple[str, str, Term]

_PARTS = {f"{RDF}{name}": name for name in ("subject", "predicate", "object")}
_A_PART = re.compile(re.escape(RDF.encode()) + rb"(?:subject|predicate|object)>")
_STATEMENT = f"{RDF}Statement"
_IS_A = f"{RDF}type"
_ANNOTATIONS = ("surface", "source", "confidence", "valid_from", "valid_to")
_RULES = ("cardinality", "type")


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give what the triples say; the triples of one statement stand together.

    Raises:
        MissingExtra: rdflib is not installed.
    """
    try:
        from lamlam.memory_backends.fact_formats.rdf_lines import TripleParser
    except ImportError:
        raise MissingExtra("rdf", "rdflib") from None
    yield from _TripleReader(TripleParser(), faults, _TripleSurvey(lines, TripleParser())).items(
        lines
    )


class _TripleReader:
    """The state of one reading."""

    def __init__(self, triples: TripleParser, faults: Faults, survey: _TripleSurvey) -> None:
        self.triples = triples
        self.faults = faults
        self.labels = survey.labels()
        self.stated = survey.stated
        self.aliases: list[tuple[int, AddAlias]] = []
        self.subject = ""
        """Of the statement or rule whose triples are being read; empty: of none."""
        self.held: dict[str, list[Term]] = {}

    def items(self, lines: Iterable[bytes]) -> Iterator[Item]:
        for number, line in enumerate(lines, 1):
            self.faults.line = number
            try:
                triple = self.triples.parsed(without_mark(line) if number == 1 else line)
                if triple is None:
                    continue
                if self.subject and triple[0] != self.subject:
                    yield from self._finished()
                yield from self._taken(triple)
            except BadFact as error:
                self.faults.reject(error)
        try:
            yield from self._finished()
        except BadFact as error:
            self.faults.reject(error)
        for number, alias in self.aliases:
            self.faults.line = number
            yield alias

    def _taken(self, triple: Triple) -> Iterator[Item]:
        subject, predicate, value = triple
        if self._is_aside(triple):
            self.subject = subject
            self.held.setdefault(_PARTS.get(predicate, predicate), []).append(value)
        elif predicate == ALIAS and subject.startswith(ENTITY) and isinstance(value, RdfLiteral):
            namespace, entity = own_entity(subject)
            alias = AddAlias(entity, value.text, namespace)
            check_op(alias)
            self.aliases.append((self.faults.line, alias))
        elif predicate != LABEL:
            digest = _digest(triple)
            if self.stated[digest]:
                self.stated[digest] -= 1
            else:
                yield Assert(self._fact(triple, {}))

    def _is_aside(self, triple: Triple) -> bool:
        """Return whether it is said of a statement or of a relation, not of an entity."""
        subject, predicate, value = triple
        return (
            subject == self.subject
            or predicate in _PARTS
            or (predicate == _IS_A and value == _STATEMENT)
            or predicate.startswith(BASE) and not predicate.startswith(RELATION)
            or subject.startswith(RELATION)
        )  # fmt: skip

    def _finished(self) -> Iterator[Item]:
        subject, held = self.subject, self.held
        self.subject, self.held = "", {}
        if subject.startswith(RELATION):
            if rule := _rule(subject, held):
                yield DefineRelation(rule)
        elif subject:
            whole = {name: held[name] for name in _PARTS.values() if name in held}
            if len(whole) < len(_PARTS) or any(len(terms) > 1 for terms in whole.values()):
                raise BadFact(
                    "invalid fact: the statement that ends above this line is not whole",
                    hint="the triples of one rdf:Statement must stand together",
                )
            about, relation = whole["subject"][0], whole["predicate"][0]
            if isinstance(about, RdfLiteral) or isinstance(relation, RdfLiteral):
                raise BadFact("invalid fact: a statement about a literal")
            yield Assert(self._fact((about, relation, whole["object"][0]), _annotations(held)))

    def _fact(self, triple: Triple, more: dict[str, Any]) -> Fact:  # Any: fields of a fact
        subject, predicate, term = triple
        namespace, entity = self._entity(subject)
        is_own = predicate.startswith(RELATION)
        relation = own_relation(predicate) if is_own else foreign_name(predicate, self.labels)
        value: Value
        if isinstance(term, RdfLiteral):
            value = value_of_literal(term)
        else:
            space, name = self._entity(term)
            value = EntityRef(name)
            if space != namespace:
                raise BadFact("invalid fact: value must not be an entity of another namespace")
        return Fact(entity=entity, relation=relation, value=value, namespace=namespace, **more)

    def _entity(self, iri: str) -> tuple[Namespace, str]:
        if iri.startswith("_:"):
            raise BadFact(
                "invalid fact: it is about a blank node, which has no name",
                hint="give such nodes IRIs first",
            )
        return own_entity(iri) if iri.startswith(ENTITY) else ((), foreign_name(iri, self.labels))


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


NTRIPLES = Format("nt", read, write, suffixes=("ntriples",), is_read_twice=True)


def _put_fact(file: IO[bytes], iri: str, fact: Fact, node: str) -> None:
    relation = relation_iri(fact.relation)
    value: Term = (
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
        _put(file, node, _IS_A, _STATEMENT)
        for (part, _), term in zip(_PARTS.items(), (iri, relation, value), strict=True):
            _put(file, node, part, term)
        for name, literal in more:
            _put(file, node, BASE + name, literal)
    _put(file, iri, relation, value)


def _put(file: IO[bytes], subject: str, predicate: str, term: Term) -> None:
    file.write(f"{_written(subject)} {_written(predicate)} {_written(term)} .\n".encode())


def _written(term: Term) -> str:
    if not isinstance(term, RdfLiteral):
        return term if term.startswith("_:") else f"<{term}>"
    text = term.text.replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{text}"^^<{term.datatype}>' if term.datatype else f'"{text}"'


def _annotations(held: dict[str, list[Term]]) -> dict[str, Any]:  # Any: fields of a fact
    found: dict[str, Any] = {}
    for name in _ANNOTATIONS:
        texts = [term.text for term in held.get(BASE + name, ()) if isinstance(term, RdfLiteral)]
        if name == "source":
            found["sources"] = texts
        elif len(texts) > 1:
            raise BadFact(f"invalid fact: {name} occurs twice")
        elif texts:
            found[name] = texts[0]
    if "confidence" in found:
        try:
            found["confidence"] = float(found["confidence"])
        except ValueError:
            raise BadFact("invalid fact: confidence must be a number") from None
    return found


def _rule(subject: str, held: dict[str, list[Term]]) -> RelationRule | None:
    """Return the rule of a relation; ``None`` where only its label is given."""
    texts = {name: held[BASE + name][0] for name in _RULES if BASE + name in held}
    given = {name: term.text for name, term in texts.items() if isinstance(term, RdfLiteral)}
    inverse = next((term for term in held.get(INVERSE, ()) if isinstance(term, str)), None)
    if not given and inverse is None:
        return None
    return RelationRule(
        own_relation(subject),
        given.get("cardinality", "many"),  # type: ignore[arg-type]  # checked there
        given.get("type"),  # type: ignore[arg-type]  # checked there
        None if inverse is None else own_relation(inverse),
    )


def _digest(triple: Triple) -> bytes:
    subject, predicate, term = triple
    text = "\0".join((subject, predicate, "L" if isinstance(term, RdfLiteral) else "", *(
        term if isinstance(term, RdfLiteral) else (term,)
    )))  # fmt: skip
    return blake2b(text.encode(), digest_size=16).digest()


class _TripleSurvey:
    """What must be known of a file before it is read: labels, and of which triples it tells more."""

    def __init__(self, lines: Iterable[bytes], triples: TripleParser) -> None:
        self.stated: Counter[bytes] = Counter()
        """Digests of triples that statements are about, which tell the fact and more of it.

        Counted, for the same may be said once more for another period.
        """
        self._chosen: dict[str, tuple[int, str]] = {}
        self._node = ""
        self._parts: dict[str, Term] = {}
        label, own = LABEL.encode(), f"<{BASE}".encode()
        for line in lines:
            if not (_A_PART.search(line) or (label in line and not line.startswith(own))):
                continue
            try:
                triple = triples.parsed(line)
            except BadFact:
                continue  # the reading itself names it
            if triple is None:
                continue
            if triple[1] in _PARTS:
                self._take_part(triple)
            elif triple[1] == LABEL and isinstance(triple[2], RdfLiteral):
                self._take_label(triple[0], triple[2].text, 0 if triples.is_english else 1)

    def _take_part(self, triple: Triple) -> None:
        node, predicate, term = triple
        if node != self._node:
            self._node, self._parts = node, {}
        self._parts[_PARTS[predicate]] = term
        if len(self._parts) == len(_PARTS):
            about, relation = self._parts["subject"], self._parts["predicate"]
            if isinstance(about, str) and isinstance(relation, str):
                self.stated[_digest((about, relation, self._parts["object"]))] += 1

    def _take_label(self, iri: str, text: str, rank: int) -> None:
        """Take a label; English ones and those without a language come first."""
        if text.strip() and rank < self._chosen.get(iri, (2, ""))[0]:
            self._chosen[iri] = rank, text

    def labels(self) -> dict[str, str]:
        """Return names by IRI, each for one IRI only."""
        labels: dict[str, str] = {}
        taken: set[str] = set()
        for iri, (_, label) in self._chosen.items():
            # Two things of one name stay two: the last part of its IRI follows the second name.
            name = f"{label} ({last_part(iri)})" if canonical_key(label) in taken else label
            taken.add(canonical_key(name))
            labels[iri] = name
        return labels
