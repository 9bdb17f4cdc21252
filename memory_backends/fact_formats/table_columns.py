"""Which column of a table is what: from the names in its first line, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lamlam.errors import BadFact, UsageError
from lamlam.memory_backends.fact_formats.format import Faults, TableShape
from lamlam.memory_backends.fact_formats.table_lines import (
    RowRule,
    TableLines,
    is_in_quotes,
    is_spaced,
    split,
    without_empty_end,
)
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.synonyms import group_of
from lamlam.memory_backends.model.values import is_text

COLUMNS = (
    "entity", "relation", "value", "type", "surface", "source", "sources", "confidence",
    "valid_from", "valid_to", "namespace",
)  # fmt: skip
REQUIRED = COLUMNS[:3]
SKIPPED = "-"
"""The name of a column that is to be left alone."""
_WORDS = {
    "entity": ("subject", "subj", "head", "item"),
    "relation": ("predicate", "pred", "property", "prop", "attribute", "attr", "relationship", "rel"),
    "value": ("object", "obj", "tail"),
}  # fmt: skip
_ROLE_OF = {word: role for role, words in _WORDS.items() for word in words}
_LETTERS = tuple(
    dict(zip(letters, REQUIRED, strict=True)) for letters in ("spo", "hrt", "eav", "erv")
)
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\w\s]|\t)"?\s*', re.IGNORECASE)
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,/:\s-]*")
_SHOWN = 80  # characters of a first line
_ROWS_COMPARED = 200
_SHAPE_HINT = (
    "--no-header if that is a fact; --columns with the names of the columns in order,"
    " such as entity,relation,value; --wide if a row is an entity"
)


def checked_shape(columns: Sequence[str] | None, has_header: bool | None, wide: bool) -> TableShape:
    """Return the shape that a user names.

    Raises:
        UsageError: a name of a column means nothing, is missing or stands there twice.
    """
    if columns is None:
        if wide and has_header is False:
            raise UsageError(
                "a wide table without header needs the names of its columns",
                hint="--columns name,birth place,… (columns=)",
            )
        return TableShape(None, has_header, wide)
    if isinstance(columns, str):
        columns = columns.split(",")
    given = tuple(name.strip() for name in columns)
    if not wide:
        given = tuple(_role_of(name, given) or name for name in given)
        if unknown := [name for name in given if name not in (*COLUMNS, SKIPPED, "")]:
            raise UsageError(
                f"columns: there is no column {unknown[0][:40]!r}",
                hint=f"known are {', '.join(COLUMNS)}; - is a column to leave alone",
            )
        if missing := [name for name in REQUIRED if name not in given]:
            raise UsageError(
                f"columns: {', '.join(missing)} is missing",
                hint="such as entity,relation,value; --wide for a table of one relation",
            )
    elif not any(name not in (SKIPPED, "") for name in given[1 + _name_column(given) :]):
        raise UsageError("columns: a wide table has a column for each relation")
    if double := _double(given, wide):
        raise UsageError(f"columns: {double[:40]!r} stands there twice")
    return TableShape(given, has_header, wide)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How the rows of a table are read."""

    rule: RowRule
    names: tuple[str | None, ...]
    """Of the columns; empty: it has none, and no values; ``None``: it is left alone."""
    is_wide: bool = False

    @property
    def entity_at(self) -> int:
        """The column of the entity in a wide table: the first that is not left alone."""
        return next((at for at, name in enumerate(self.names) if name is not None), 0)


class LayoutFinder:
    """Finds the layout of a table in its first line."""

    def __init__(
        self, source: TableLines, delimiters: str, shape: TableShape, faults: Faults
    ) -> None:
        """Take note of what is known: what may part the columns, and what the user says."""
        self._source = source
        self._delimiters = delimiters
        self._shape = shape
        self._faults = faults

    def found(self) -> TableLayout | None:
        """Return the layout and leave the first row as the next one; ``None``: there are no lines.

        Raises:
            BadFact: the columns cannot be told.
        """
        line = self._next_line()
        if line is not None and (match := _SEPARATOR_LINE.fullmatch(line)):
            self._delimiters = match[1]
            line = self._next_line()
        shape = self._shape
        if line is None:
            return None
        if shape.columns is None and shape.has_header is not False:
            return self._wide(line) if shape.is_wide else self._named(line)
        return self._told(line, shape.columns or REQUIRED)

    # The first line names the columns --------------------------------------------------------------

    def _named(self, line: str) -> TableLayout:
        """Return the layout that the names of the columns say."""
        best: list[str] = []
        for delimiter, cells in self._readings(line):
            names = _plain_names(cells)
            roles = [_role_of(name, names) or name for name in names]
            if set(REQUIRED) <= set(roles):
                return self._with_header(line, delimiter, roles)
            if sum(role in COLUMNS for role in roles) >= sum(role in COLUMNS for role in best):
                best = roles
        raise self._unnamed(line, best)

    def _with_header(self, line: str, delimiter: str, roles: list[str]) -> TableLayout:
        hint = f"the first line names the columns: {', '.join(COLUMNS)}"
        if double := _double([role for role in roles if role in COLUMNS], False):
            raise self._faults.stop(f"the column {double!r} occurs twice in the header", hint)
        names: list[str | None] = []
        for number, role in enumerate(roles, 1):
            is_known = role in COLUMNS
            if role and not is_known and not self._faults.ignore_unknown:
                shown = repr(role[:60]) if is_text(role) else "that"
                raise self._faults.stop(
                    f"column {number}: there is no column {shown}",
                    "--ignore-unknown leaves such columns alone",
                )
            names.append(role if is_known or not self._faults.ignore_unknown else None)
        rule = self._rule(line, delimiter, names)
        self._pass(line, rule)
        return TableLayout(rule, tuple(names))

    def _unnamed(self, line: str, roles: list[str]) -> BadFact:
        missing = ", ".join(name for name in REQUIRED if name not in roles)
        found = ", ".join(roles)
        shown = _shown(found if any(role in COLUMNS for role in roles) else line)
        hint = _SHAPE_HINT
        if self._delimiters == "\t" and "\t" not in line:
            hint = f"no tab is in it: --format csv if commas part the columns; {hint}"
        elif line.count("|") > 1:
            hint = f"if | parts the columns, write sep=| as a line before it; {hint}"
        return self._faults.stop(f"the header lacks {missing}; it is {shown}", hint)

    def _wide(self, line: str) -> TableLayout:
        """Return the layout of a table with a column for each relation."""
        readings = sorted(self._readings(line), key=lambda one: -without_empty_end(one[1]))
        delimiter, cells = readings[0]
        n_columns = without_empty_end(cells)
        if n_columns < 2:
            raise self._faults.stop(
                f"a wide table has a column for each relation; the first line is {_shown(line)}",
                "the first column is the name, the others are relations",
            )
        self._refuse_doubt(
            line, {one for one, cells in readings if without_empty_end(cells) == n_columns}
        )
        names = [cell.strip() for cell in cells[:n_columns]]
        if not all(map(is_text, names)):
            raise self._faults.stop("the header is not UTF-8 text; save the file as UTF-8")
        plain = _plain_names(names)
        if set(REQUIRED) <= {_role_of(name, plain) or name for name in plain}:
            raise self._faults.stop(
                "the header names entity, relation and value", "leave out --wide: a row is a fact"
            )
        if double := _double(names, True):
            raise self._faults.stop(
                f"the column {double[:60]!r} occurs twice in the header",
                "give the columns other names with --columns, or - to leave one alone",
            )
        kept = [
            name if name or number == 0 or not self._faults.ignore_unknown else None
            for number, name in enumerate(names)
        ]
        rule = self._rule(line, delimiter, kept)
        self._pass(line, rule)
        return TableLayout(rule, tuple(kept), is_wide=True)

    # The user names the columns --------------------------------------------------------------------

    def _told(self, line: str, columns: tuple[str, ...]) -> TableLayout | None:
        """Return the layout of a table whose columns the user names."""
        at = _name_column(columns) if self._shape.is_wide else None
        names = [
            None if name == SKIPPED or (not name and number != at) else name
            for number, name in enumerate(columns)
        ]
        while True:
            fitting = [one for one in self._readings(line) if self._has_as_many(one[1], columns)]
            if fitting:
                break
            (_, cells), *_ = sorted(self._readings(line), key=lambda one: -len(one[1]))
            error = BadFact(
                f"{without_empty_end(cells)} columns, not {len(columns)}"
                f" ({', '.join(columns)[:60]}): {_shown(line)}",
                hint="--columns names all of them in order, - one to leave alone",
            )
            if self._shape.has_header is not False:
                raise self._faults.stop(str(error), error.hint)
            self._faults.reject(error)
            if (following := self._next_line()) is None:
                return None
            line = following
        self._refuse_doubt(line, {delimiter for delimiter, _ in fitting})
        delimiter, cells = fitting[0]
        rule = self._rule(line, delimiter, names)
        if self._has_header(line, cells, names, rule):
            self._pass(line, rule)
        else:
            self._source.give_back([line])
        return TableLayout(rule, tuple(names), self._shape.is_wide)

    def _has_as_many(self, cells: list[str], columns: tuple[str, ...]) -> bool:
        n_cells = without_empty_end(cells, len(columns))
        least = (
            2 + _name_column(columns)
            if self._shape.is_wide
            else 1 + max(map(columns.index, REQUIRED))
        )
        if self._shape.has_header is not False:
            least = len(columns)
        if self._faults.ignore_unknown:
            return len(cells) >= least
        return least <= len(cells) and n_cells <= len(columns)

    def _has_header(
        self, line: str, cells: list[str], names: Sequence[str | None], rule: RowRule
    ) -> bool:
        """Return whether the first line names the columns, though others are named for them.

        Raises:
            BadFact: it looks like a fact, and the user did not say that it is none.
        """
        plain = _plain_names(cells)
        if self._shape.has_header is False and all(
            name is None or name == found for name, found in zip(names, plain, strict=False)
        ):
            raise self._faults.stop(
                f"the first line names the columns: {_shown(line)}", "leave out --no-header"
            )
        if self._shape.has_header is not None:
            return self._shape.has_header
        if not self._shape.is_wide:
            # One such word may be that of a fact: "Ada, type, person".
            if sum(_role_of(name, plain) is not None for name in plain) > 1:
                return True
            if self._is_like_a_fact(cells, names, rule):
                raise self._faults.stop(
                    f"the first line looks like a fact: {_shown(line)}",
                    "add --no-header if it is one, --header if it names the columns",
                )
        self._faults.notes.append(
            f"the first line was taken for the names of the columns: {_shown(line)};"
            " --no-header if it is not"
        )
        return True

    def _is_like_a_fact(self, cells: list[str], names: Sequence[str | None], rule: RowRule) -> bool:
        """Return whether the first line has a number, or what a later row has, or is the only one."""
        if any(map(_NUMBER.fullmatch, cells)) or not self._source.peek(1):
            return True
        relation = cells[names.index("relation")]
        if " " in relation.strip() and group_of(relation_key(relation)) is not None:
            return True
        lines = self._source.peek(_ROWS_COMPARED)
        rows = [line.rstrip("\r\n").split(rule.delimiter, len(names)) for line in lines]
        for role in REQUIRED[:2]:
            at = names.index(role)
            key = canonical_key(cells[at])
            if any(len(row) > at and canonical_key(row[at]) == key for row in rows):
                return True
        return False

    # ------------------------------------------------------------------------------------------------

    def _next_line(self) -> str | None:
        while (line := self._source.take()) is not None and line.isspace():
            pass
        self._faults.line = self._source.number
        return line

    def _readings(self, line: str) -> Iterator[tuple[str, list[str]]]:
        """Give each character that may part the columns, and the cells of the line by it."""
        for delimiter in self._delimiters:
            try:
                for cells in self._source.readings(line, delimiter):
                    yield delimiter, cells
            except BadFact as error:
                raise self._faults.stop(str(error)) from None

    def _refuse_doubt(self, line: str, delimiters: set[str]) -> None:
        """Stop where more than one character parts the line equally well."""
        if len(delimiters) > 1:
            raise self._faults.stop(
                f"more than one character may part the columns: {_shown(line)}",
                "write sep=; (or sep=,) as a line before it",
            )

    def _rule(self, line: str, delimiter: str, names: Sequence[str | None]) -> RowRule:
        cells = split(line, delimiter)
        return RowRule(
            delimiter,
            is_quoting=delimiter != "\t"
            or tuple(cells) == COLUMNS  # an export of ours
            or all(map(is_in_quotes, filter(None, cells))),
            least=len(names) if self._shape.is_wide else 1 + max(map(names.index, REQUIRED)),
            most=len(names),
            has_quoted_commas=line.endswith("\r\n"),
            is_spaced=delimiter != "\t"
            and self._shape.has_header is not False
            and is_spaced(cells),
        )

    def _pass(self, line: str, rule: RowRule) -> None:
        """Leave the header behind, of which a name may go on in the next line."""
        try:
            self._source.cells(line, rule)
        except BadFact as error:
            raise self._faults.stop(str(error), error.hint) from None


def _name_column(columns: Sequence[str]) -> int:
    """Return the place of the entity's name in a wide table: the first that is not left alone."""
    return next((at for at, name in enumerate(columns) if name != SKIPPED), 0)


def _plain_names(cells: Sequence[str]) -> list[str]:
    return [re.sub(r"[\s-]+", "_", cell.lstrip("#").strip().casefold()) for cell in cells]


def _role_of(name: str, names: Sequence[str]) -> str | None:
    """Return the column of ours that a name of others is, beside the names of the other columns."""
    plain = _plain_names([name])[0]
    if plain in COLUMNS:
        return plain
    for letters in _LETTERS:
        if plain in letters and letters.keys() <= set(_plain_names(names)):
            return letters[plain]
    role = _ROLE_OF.get(plain)
    return None if role is None or role in _plain_names(names) else role


def _double(names: Sequence[str], is_relation: bool) -> str | None:
    seen: set[str] = set()
    for name in names:
        key = relation_key(name) if is_relation and name else name
        if name not in ("", SKIPPED) and key in seen:
            return name
        seen.add(key)
    return None


def _shown(text: str) -> str:
    if not is_text(text):
        return "not UTF-8 text"
    text = text.rstrip("\r\n")
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
