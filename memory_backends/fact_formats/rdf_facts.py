"""Facts of RDF files, of whatever syntax.

A fact is one triple. Where a statement (``rdf:Statement``, or ``rdf:reifies`` of RDF 1.2) is about
it, the fact has the sources, the confidence and the period that the statement says. Entities and
relations of other people are called by their labels, or else by the ends of their IRIs; what is
said of blank nodes is refused: they have no name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.validation import check_op
from lamlam.memory_backends.fact_formats.format import Faults, Item
from lamlam.memory_backends.fact_formats.rdf_iris import own_entity, own_relation
from lamlam.memory_backends.fact_formats.rdf_literals import surface_of_literal, value_of_literal
from lamlam.memory_backends.fact_formats.rdf_names import mark_of
from lamlam.memory_backends.fact_formats.rdf_scratch import RowFile
from lamlam.memory_backends.fact_formats.rdf_survey import RdfSurvey, Said, blank_node
from lamlam.memory_backends.fact_formats.rdf_syntax import OF_LINES, RdfRow, rows_of
from lamlam.memory_backends.fact_formats.rdf_vocabulary import (
    ALIAS,
    BASE,
    ENTITY,
    INVERSE,
    RELATION,
)
from lamlam.memory_backends.fact_formats.wikibase import is_address, is_number
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef

_SHOWN = 4


def read_rdf(lines: Iterable[bytes], syntax: str, faults: Faults) -> Iterator[Item]:
    """Give what the triples say, once all of them are known.

    Args:
        lines: of the file.
        syntax: as pyoxigraph names it.
        faults: takes what cannot be read, and counts what is left out.

    Raises:
        MissingExtra: pyoxigraph is not installed.
        BadFact: a line that holds none, by its number.
    """
    rows = rows_of(lines, syntax, faults)
    survey = RdfSurvey(faults)
    try:
        survey.take(rows)
        yield from _RowReader(survey, faults, has_lines=syntax in OF_LINES).items()
    finally:
        survey.close()


class _RowReader:
    """Makes items of the rows that a survey kept."""

    def __init__(self, survey: RdfSurvey, faults: Faults, *, has_lines: bool) -> None:
        self._has_lines = has_lines
        self._survey = survey
        self._faults = faults
        self._relations = survey.names.relation_names(survey.relations)
        self._aliases = RowFile()
        self._times: Counter[tuple[str, ...]] = Counter()
        """How often each triple was met that statements are about."""
        self._rule = ""
        """The relation whose rule is being read; empty: none."""
        self._held: dict[str, RdfRow] = {}

    def items(self) -> Iterator[Item]:
        faults = self._faults
        is_plain = not (self._survey.has_statements or self._survey.has_contests)
        self._settle_aliases()
        self._tell()
        try:
            for row in self._survey.rows:
                try:
                    if self._rule and row.subject != self._rule:
                        yield from self._finished_rule()
                    faults.line = row.line
                    if is_plain and not row.subject.startswith(BASE):
                        yield Assert(self._fact(row))
                    else:
                        yield from self._taken(row)
                except BadFact as error:
                    faults.reject(self._located(error, row))
            try:
                yield from self._finished_rule()
            except BadFact as error:
                faults.reject(error)
            for row in self._aliases:
                faults.line = row.line
                yield _alias(row)
            yield from self._survey.names.aliases.all()
        finally:
            self._aliases.close()
        faults.left.note(
            "statements about triples that the file does not state",
            self._survey.unused_statements(),
        )

    def _settle_aliases(self) -> None:
        """Keep the aliases of other people's entities that a store takes; count the others."""
        aliases = self._survey.names.aliases
        if not aliases.has_any:
            return
        n_aliases = aliases.count()
        aliases.settle((row.subject for row in self._survey.rows), self._faults.holder_of)
        self._faults.left.note(
            "aliases that name another entity, or one without facts", n_aliases - aliases.count()
        )

    def _located(self, error: BadFact, row: RdfRow) -> BadFact:
        """Return the error with what it is about, where the line may be some lines off."""
        if self._has_lines:
            return error
        return BadFact(f"{error} (of {row.subject[:80]})", hint=error.hint)

    def _tell(self) -> None:
        """Say what became of names and labels."""
        names, left = self._survey.names, self._faults.left
        left.note("further labels", names.further_labels)
        left.note("labels of what has no facts", names.labels_without_facts(self._relations))
        if names.qualified:
            self._faults.qualified = names.n_qualified
            self._faults.notes.append(
                f"{names.n_qualified:,} of the entities have the name of another IRI, and got a"
                f" qualifier: {_listed(names.qualified)}"
            )
        if unnamed := sorted({name for name in self._relations.values() if is_number(name)}):
            self._faults.notes.append(
                f"{len(unnamed):,} of the relations have no label in the file, and are called by"
                f" their numbers: {_listed(unnamed)}; add the labels of the properties"
                ' (<…/entity/P19> rdfs:label "place of birth")'
            )
        used = Counter(self._relations.values())
        if several := sorted(name for name, n_iris in used.items() if n_iris > 1):
            self._faults.notes.append(
                f"{len(several):,} of the relations stand for several IRIs each: {_listed(several)}"
            )

    def _taken(self, row: RdfRow) -> Iterator[Item]:
        if row.subject.startswith(RELATION):
            self._rule = row.subject
            self._held.setdefault(row.predicate, row)
        elif row.predicate == ALIAS and row.subject.startswith(ENTITY) and row.datatype is not None:
            check_op(_alias(row))
            self._aliases.append([row])
        elif not self._survey.is_in_best_language(row):
            self._faults.left.note("texts in other languages")
        elif not self._survey.has_statements:
            yield Assert(self._fact(row))
        else:
            yield from self._facts_of_statements(row)

    def _facts_of_statements(self, row: RdfRow) -> Iterator[Item]:
        """Give the fact of each statement about a triple, or the plain fact.

        lamlam itself writes the triple as often as there are facts of it, other people once.
        """
        statements = self._survey.statements_of(row)
        if not statements:
            yield Assert(self._fact(row))
            return
        waiting = [(number, said) for number, said, is_used in statements if not is_used]
        if not waiting:
            yield Assert(self._fact(row))
            return
        key = row[1:6]
        n_times = 1
        if len(statements) > 1:
            self._times[key] += 1  # type: ignore[index]  # texts, but for a datatype
            n_times = self._survey.times_said(row) - self._times[key] + 1  # type: ignore[index]
        for number, said in waiting if n_times <= 1 else waiting[:1]:
            self._survey.use_statement(number)
            yield Assert(self._fact(row, said))

    def _fact(self, row: RdfRow, said: Said | None = None) -> Fact:
        _, subject, predicate, text, datatype, _, graph = row
        namespace, entity = self._entity(subject)
        more: dict[str, Any] = {}  # Any: fields of a fact
        marks = () if subject.startswith(ENTITY) else (mark_of(subject),)
        if graph:
            if graph.startswith("_:"):
                self._faults.left.note("names of graphs that are blank nodes")
            else:
                marks = (graph, *marks)
        if said:
            more |= _fields(said)
            marks = (*more.pop("sources", ()), *marks)
        if datatype is None and not is_address(row):
            space, name = self._entity(text)
            if space != namespace:
                raise BadFact("invalid fact: value must not be an entity of another namespace")
            return Fact(
                entity=entity, relation=self._relation(predicate), value=EntityRef(name),
                namespace=namespace, sources=marks, **more,
            )  # fmt: skip
        value = value_of_literal(text, datatype or "")
        if "surface" not in more and datatype:
            more["surface"] = surface_of_literal(text, datatype, value)
        return Fact(
            entity=entity, relation=self._relation(predicate), value=value,
            namespace=namespace, sources=marks, **more,
        )  # fmt: skip

    def _relation(self, predicate: str) -> str:
        if predicate.startswith(RELATION):
            return own_relation(predicate)
        return self._relations[predicate]

    def _entity(self, iri: str) -> tuple[Namespace, str]:
        if iri.startswith(ENTITY):
            return own_entity(iri)
        if iri.startswith("_:"):
            raise blank_node()
        return (), self._survey.names.name_of(iri)

    def _finished_rule(self) -> Iterator[Item]:
        relation, held = self._rule, self._held
        self._rule, self._held = "", {}
        given = {
            name: row.text
            for name in ("cardinality", "type")
            if (row := held.get(BASE + name)) is not None and row.datatype is not None
        }
        inverse = held.get(INVERSE)
        if given or (inverse is not None and inverse.datatype is None):
            yield DefineRelation(
                RelationRule(
                    own_relation(relation),
                    given.get("cardinality", "many"),  # type: ignore[arg-type]  # checked there
                    given.get("type"),  # type: ignore[arg-type]  # checked there
                    None if inverse is None else own_relation(inverse.text),
                )
            )


def _alias(row: RdfRow) -> AddAlias:
    namespace, entity = own_entity(row.subject)
    return AddAlias(entity, row.text, namespace)


def _fields(said: Said) -> dict[str, Any]:  # Any: fields of a fact
    fields: dict[str, Any] = dict(said)
    if "confidence" in fields:
        try:
            fields["confidence"] = float(fields["confidence"])
        except ValueError:
            raise BadFact("invalid fact: confidence must be a number") from None
    return fields


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:_SHOWN])
    return f"{shown}, …" if len(names) > _SHOWN else shown
