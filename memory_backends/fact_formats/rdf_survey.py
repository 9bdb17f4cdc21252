"""What must be known of an RDF file before its first fact: names, languages, statements."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable
from itertools import groupby
from typing import TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import Faults
from lamlam.memory_backends.fact_formats.rdf_iris import is_own
from lamlam.memory_backends.fact_formats.rdf_names import RdfNames
from lamlam.memory_backends.fact_formats.rdf_scratch import RowFile, digest, scratch_database
from lamlam.memory_backends.fact_formats.rdf_syntax import RdfRow
from lamlam.memory_backends.fact_formats.rdf_vocabulary import (
    ALIAS,
    ANNOTATIONS,
    BASE,
    IS_A,
    LABELS,
    PARTS,
    RELATION,
    STATEMENT,
)
from lamlam.memory_backends.fact_formats.wikibase import left_out_row, left_out_run

Said: TypeAlias = dict[str, str | list[str]]
"""What a statement says of its triple, by the fields of a fact."""

ALL_LANGUAGES = "*"
_LONGEST_RUN = 1000
_PENDING = 1000
_ZONED_DATE = re.compile(r"(-?\d{4,}(?:-\d\d){0,2})Z", re.ASCII)


class RdfSurvey:
    """Goes over all triples once; keeps those that are facts, and what the others say of them."""

    def __init__(self, faults: Faults) -> None:
        self.rows = RowFile()
        """The triples that are facts or rules, in their order."""
        self.database = scratch_database()
        self.names = RdfNames(self.database)
        self.relations: dict[str, None] = {}
        """IRIs of relations that are not lamlam's own."""
        self.n_said: dict[bytes, int] = {}
        """Triples that several statements are about: how often the file says them."""
        self.has_statements = False
        self.has_contests = False
        """Some texts are there in several languages."""
        self._faults = faults
        self._languages: set[str] = set()
        self._statements: list[tuple[bytes, str, bytes]] = []
        self._has_asides = False

    def take(self, rows: Iterable[RdfRow]) -> None:
        """Go over the triples.

        Raises:
            BadFact: one is not as it must be, by its line.
        """
        subject = ""
        run: list[RdfRow] = []
        for row in rows:
            if row.subject != subject or len(run) >= _LONGEST_RUN:
                self._end_run(run)
                run = []
                subject = row.subject
            run.append(row)
        self._end_run(run)
        self._write_statements()
        self._take_asides()
        self._write_statements()
        self.names.settle(self._faults.stored)
        self._count()

    def statements_of(self, row: RdfRow) -> list[tuple[int, Said, bool]]:
        """Return what statements say of a triple, with their numbers and whether it was used."""
        found = self.database.execute(
            "SELECT number, said, is_used FROM statement WHERE triple = ? ORDER BY number",
            (_digest(row),),
        )
        return [(number, marshal.loads(said), bool(used)) for number, said, used in found]

    def use_statement(self, number: int) -> None:
        """Note that what it says went into a fact."""
        self.database.execute("UPDATE statement SET is_used = 1 WHERE number = ?", (number,))

    def unused_statements(self) -> int:
        """Return how many statements are about triples that the file does not state."""
        sql = "SELECT count(*) FROM statement WHERE NOT is_used"
        return int(self.database.execute(sql).fetchone()[0])

    def times_said(self, row: RdfRow) -> int:
        """Return how often the file says a triple that several statements are about."""
        return self.n_said.get(_digest(row), 1)

    def is_in_best_language(self, row: RdfRow) -> bool:
        """Return false if the file has the text in a language that comes before this one."""
        if not (self.has_contests and row.language):
            return True
        (rank,) = self.database.execute(
            "SELECT rank FROM best_language WHERE about = ?", (digest(row.subject, row.predicate),)
        ).fetchone()
        return bool(self._rank(row.language) == rank)

    def close(self) -> None:
        """Remove what was kept."""
        self.database.close()
        self.rows.close()

    def _end_run(self, run: list[RdfRow]) -> None:
        if not run:
            return
        subject = run[0].subject
        if any(map(_is_of_a_statement, run)):
            try:
                is_whole = self._take_statement(subject, run)
            except BadFact as error:
                self._faults.line = run[0].line
                self._faults.reject(error)
                return
            if not is_whole:
                self._set_aside(run)
        elif subject.startswith("_:"):
            self._set_aside(run)
        else:
            self._take_facts(subject, run)

    def _take_facts(self, subject: str, run: list[RdfRow]) -> None:
        names = self.names
        relations = self.relations
        kept = []
        left = self._faults.left
        is_own_subject = is_own(subject)
        run_is_left_as = None if is_own_subject else left_out_run(run)
        for row in run:
            predicate = row.predicate
            if predicate in LABELS:
                if row.datatype is not None and not is_own_subject:
                    names.take_label(subject, self._rank(row.language), row.text)
                continue
            if not is_own_subject:
                if what := run_is_left_as or left_out_row(row):
                    left.note(what)
                    continue
                if predicate == ALIAS and row.datatype is not None:
                    self._take_alias(row)
                    continue
            kept.append(row)
            if not predicate.startswith(BASE):
                relations[predicate] = None
            if row.datatype is None:
                names.see(row.text)
            elif row.language:
                self._languages.add(row.language.partition("-")[0])
        if kept:
            names.see(subject)
            self.rows.append(kept)

    def _take_alias(self, row: RdfRow) -> None:
        is_wanted = self._faults.language == ALL_LANGUAGES or self._rank(row.language) == "0"
        if is_wanted and self.names.aliases.take(row.subject, row.text):
            return
        what = "aliases" if is_wanted else "aliases in other languages"
        self._faults.left.note(what)

    def _rank(self, language: str) -> str:
        """Return a text that is the less, the better the language is."""
        primary = language.partition("-")[0]
        if primary in ("", self._faults.language.partition("-")[0].casefold()):
            return "0"
        return "1" if primary == "en" else f"2{primary}"

    # Statements about triples ---------------------------------------------------------------------

    def _take_statement(self, node: str, rows: list[RdfRow]) -> bool:
        """Keep what a statement says; return false where its triple is not whole.

        Raises:
            BadFact: it is not about a triple, or says what cannot be.
        """
        parts: dict[str, RdfRow] = {}
        for row in rows:
            if (name := PARTS.get(row.predicate)) is not None:
                known = parts.setdefault(name, row)
                if known[3:6] != row[3:6]:
                    raise BadFact(f"invalid fact: the statement has two of rdf:{name}")
        if len(parts) < len(PARTS):
            return False
        about, relation, value = (parts[name] for name in PARTS.values())
        if about.datatype is not None or relation.datatype is not None:
            raise BadFact("invalid fact: a statement about a literal")
        triple = digest(about.text, relation.text, value.text, value.datatype, value.language)
        self._statements.append((triple, node, marshal.dumps(self._said(rows))))
        self.has_statements = True
        if len(self._statements) >= _PENDING:
            self._write_statements()
        return True

    def _said(self, rows: Iterable[RdfRow]) -> Said:
        said: Said = {}
        for row in rows:
            field = ANNOTATIONS.get(row.predicate)
            if field is None:
                if row.predicate not in PARTS and row.predicate != IS_A:
                    self._faults.left.note("annotations of statements")
                continue
            if field == "source":
                sources = said.setdefault("sources", [])
                assert isinstance(sources, list)
                sources.append(row.text)
            elif field in said:
                raise BadFact(f"invalid fact: {field} occurs twice")
            else:
                match = _ZONED_DATE.fullmatch(row.text)
                said[field] = match[1] if match else row.text
        return said

    def _write_statements(self) -> None:
        self.database.executemany(
            "INSERT INTO statement (triple, node, said) VALUES (?, ?, ?)", self._statements
        )
        self._statements.clear()

    def _set_aside(self, rows: list[RdfRow]) -> None:
        self._has_asides = True
        self.database.executemany(
            "INSERT INTO aside (node, row) VALUES (?, ?)",
            [(row.subject, marshal.dumps(tuple(row))) for row in rows],
        )

    def _take_asides(self) -> None:
        """Read again the triples about blank nodes and statements that were not whole."""
        if not self._has_asides:
            return
        self.database.execute("CREATE INDEX statement_node ON statement (node)")
        rows = self.database.execute("SELECT node, row FROM aside ORDER BY node, number")
        for node, group in groupby(rows, key=lambda pair: str(pair[0])):
            self._take_aside(node, [RdfRow._make(marshal.loads(row)) for _, row in group])

    def _take_aside(self, node: str, rows: list[RdfRow]) -> None:
        faults = self._faults
        faults.line = rows[0].line
        try:
            if self._take_statement(node, rows) or self._add_to_statement(node, rows):
                return
            if any(map(_is_of_a_statement, rows)):
                raise BadFact(
                    "invalid fact: the statement is not whole",
                    hint="it needs rdf:subject, rdf:predicate and rdf:object",
                )
        except BadFact as error:
            faults.reject(error)
            return
        for row in rows:
            if row.predicate in LABELS:
                faults.left.note("labels of blank nodes")
                continue
            faults.line = row.line
            faults.reject(blank_node())

    def _add_to_statement(self, node: str, rows: list[RdfRow]) -> bool:
        known = self.database.execute(
            "SELECT number, said FROM statement WHERE node = ?", (node,)
        ).fetchone()
        if known is None or any(row.predicate in PARTS for row in rows):
            return False
        said: Said = marshal.loads(known[1])
        for field, more in self._said(rows).items():
            before = said.get(field)
            if isinstance(before, list) and isinstance(more, list):
                before += more
            elif before is not None:
                raise BadFact(f"invalid fact: {field} occurs twice")
            else:
                said[field] = more
        self.database.execute(
            "UPDATE statement SET said = ? WHERE number = ?", (marshal.dumps(said), known[0])
        )
        return True

    # What needs a second look ---------------------------------------------------------------------

    def _count(self) -> None:
        """Count triples of several statements, and find the best language of each text."""
        database = self.database
        if self.has_statements:
            database.execute("CREATE INDEX statement_triple ON statement (triple)")
            several = database.execute(
                "SELECT triple FROM statement GROUP BY triple HAVING count(*) > 1"
            )
            self.n_said = {triple: 0 for (triple,) in several}
        self.has_contests = len(self._languages) > 1 and self._faults.language != ALL_LANGUAGES
        if not (self.n_said or self.has_contests):
            return
        for row in self.rows:
            if self.n_said and (triple := _digest(row)) in self.n_said:
                self.n_said[triple] += 1
            if self.has_contests and row.language:
                database.execute(
                    "INSERT INTO best_language VALUES (?, ?) ON CONFLICT (about)"
                    " DO UPDATE SET rank = min(rank, excluded.rank)",
                    (digest(row.subject, row.predicate), self._rank(row.language)),
                )


def blank_node() -> BadFact:
    """Return the error of a triple about what has no name."""
    return BadFact(
        "invalid fact: it is about a blank node, which has no name",
        hint="give such nodes IRIs first",
    )


def _is_of_a_statement(row: RdfRow) -> bool:
    """Return whether a triple is said of a statement, not of an entity or a relation."""
    predicate = row.predicate
    return (
        predicate in PARTS
        or (predicate == IS_A and row.text == STATEMENT)
        or (
            predicate.startswith(BASE)
            and not predicate.startswith(RELATION)
            and not row.subject.startswith(RELATION)
        )
    )


def _digest(row: RdfRow) -> bytes:
    return digest(row.subject, row.predicate, row.text, row.datatype, row.language)
