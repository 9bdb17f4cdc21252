"""`Format`, and what all formats have in common: items, faults by line, what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Protocol, TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation

Item: TypeAlias = Assert | AddAlias | DefineRelation
"""What a store holds, as the operations that put it there."""

_SHOWN = 200  # characters of a reason


class Faults:
    """Where a reader stands in a file, and what becomes of a line that is not a fact."""

    def __init__(
        self,
        name: str,
        *,
        skip_invalid: bool = False,
        ignore_unknown: bool = False,
        language: str = "en",
    ) -> None:
        """Begin before the first line.

        Args:
            name: of the file, for messages.
            skip_invalid: leave bad lines out and count them.
            ignore_unknown: leave keys and columns alone that mean nothing here.
            language: of labels and texts that are there in several; ``*``: all of them.
        """
        self.name = name
        self.language = language
        self.left = LossReport()
        """What a format has that no fact holds."""
        self.qualified = 0
        """Entities that got a qualifier, as another has their name."""
        self.stored: Callable[[], Iterable[Fact]] | None = None
        """The facts of the usual namespace that are in the store already."""
        self.holder_of: Callable[[str], str | None] | None = None
        """Returns which entity of the store has a name or alias already."""
        self.ignore_unknown = ignore_unknown
        self.line = 0
        """The line that is being read, or that what was given last came from."""
        self.rejected = 0
        self.first_reason: str | None = None
        self.notes: list[str] = []
        """What was taken for granted in reading."""
        self.is_skipping = skip_invalid
        """Bad lines are left out and counted."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.name} line {self.line}"

    def reject(self, error: BadFact) -> None:
        """Leave the line out and count it.

        Raises:
            BadFact: bad lines are not to be left out; it names the line.
        """
        reason = f"{self.where}: {error}"[:_SHOWN]
        if not self.is_skipping:
            hint = "--skip-invalid leaves such lines out"
            raise BadFact(reason, hint=f"{error.hint}; {hint}" if error.hint else hint) from None
        self.rejected += 1
        self.first_reason = self.first_reason or reason

    def stop(self, reason: str, hint: str | None = None) -> BadFact:
        """Return the error of a fault after which nothing in the file can be trusted."""
        return BadFact(f"{self.where}: {reason}"[:_SHOWN], hint=hint)


class LossReport:
    """What a format could not keep, counted by what it is."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, what: str, number: int = 1) -> None:
        """Count more of these as left out."""
        if number:
            self.counts[what] += number

    def note_beside(self, item: Item) -> bool:
        """Return true, and count it, if the item is not a fact."""
        match item:
            case AddAlias():
                self.note("aliases")
            case DefineRelation():
                self.note("rules of relations")
            case Assert():
                return False
        return True

    def __str__(self) -> str:
        return ", ".join(f"{what}: {count:,}" for what, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class TableShape:
    """What the user says of a table's columns."""

    columns: tuple[str, ...] | None = None
    """Their names in order; ``None``: those in the first line."""
    has_header: bool | None = None
    """The first line names the columns; ``None``: nothing is said of it."""
    is_wide: bool = False
    """A row is an entity, its first column the name, each other column a relation."""


class FactReader(Protocol):
    """Reads a format."""

    def __call__(self, lines: Iterable[bytes], faults: Faults, /) -> Iterator[Item]:
        """Give what the lines hold: aliases after all facts, all else as it comes.

        The lines can be gone through more than once.

        Raises:
            BadFact: a line that holds none, by its number.
        """
        ...


class FactWriter(Protocol):
    """Writes a format."""

    def __call__(self, items: Iterable[Item], file: IO[bytes], lost: LossReport, /) -> None:
        """Write the items; count what the format cannot keep."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format of fact files."""

    name: str
    """As in ``--format``, and the suffix of its files."""
    read: FactReader
    write: FactWriter | None
    """``None``: it is only read."""
    read_shaped: Callable[[TableShape], FactReader] | None = None
    """Of a table: returns the reader of one of another shape."""
    suffixes: tuple[str, ...] = ()
    """Other suffixes of its files."""
    is_read_twice: bool = False
    """`read` goes through the lines more than once."""
    is_one_text: bool = False
    """A line of it may have any length."""


def without_mark(line: bytes) -> bytes:
    """Return the first line of a file without the byte order mark that some editors write."""
    return line.removeprefix(b"\xef\xbb\xbf")


def decoded(line: bytes) -> str:
    """Return a line as text.

    Raises:
        BadFact: it is not UTF-8.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise BadFact("invalid fact: the line is not UTF-8 text") from None
