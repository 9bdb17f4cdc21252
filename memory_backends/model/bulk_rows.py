"""What a part of a file holds, as a bulk load takes it: rows of plain strings, not `Fact` objects.

The formats make them and a store takes them; most facts of a large file are texts of the usual
namespace with one source at most, and such a row costs a tenth of a `Fact`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from lamlam.memory_backends.model.stored_facts import StoredFact

if TYPE_CHECKING:  # processes of a load, which start for it, seldom see an operation
    from lamlam.memory_backends.model.operations import AddAlias, DefineRelation, Op

FullFact: TypeAlias = tuple[tuple[str, ...], StoredFact]
"""The namespace that a fact names, and the fact as stores keep it."""
BulkRow: TypeAlias = tuple[str, str, str, str, Any]  # Any: a `FullFact`, or ""
"""Entity, relation, value and source (or "") of a plain fact and ""; or entity, three times "", and
a fact that is more than that. A plain one has no control characters and was checked."""


class BulkFault(NamedTuple):
    """What is wrong with a line."""

    line: int
    """Counted from 1 in its part."""
    message: str
    hint: str | None = None
    is_last: bool = False
    """Nothing after it can be read, so that it is never left out."""
    begins: int = 0
    """The line on which its row begins, where that is another one."""


@dataclass(slots=True)
class ReadPart:
    """What a part of a file holds."""

    rows: list[BulkRow] = field(default_factory=list)
    """In the order of the file."""
    n_facts: int = 0
    """How many rows there are, or were."""
    n_lines: int = 0
    later: list[tuple[int, AddAlias | DefineRelation]] = field(default_factory=list)
    """With their lines: what is no fact."""
    last_fact: int = 0
    """The line of the last one."""
    fault: BulkFault | None = None
    """The first line that is not a fact, where such lines are not left out; nothing after it counts."""
    rejected: int = 0
    """Lines that were left out."""
    first_rejected: BulkFault | None = None
    left: dict[str, int] = field(default_factory=dict)
    """What no fact holds, counted by what it is."""
    span: tuple[int, int] | None = None
    """Between which bytes of the file it stands, where its last row may reach into the next part."""


LoadStep = Literal["reading", "writing"]
PartReader: TypeAlias = Callable[[], ReadPart]
"""Reads a part; is sent to other processes, so it can be pickled."""


class BulkParts(Protocol):
    """A file in parts that are read apart from each other."""

    size: int
    """In bytes, about."""
    n_facts: int
    """Read so far in parts."""

    @property
    def identity(self) -> str | None:
        """Equal where content and options are: what was read of it may be used again.

        ``None`` where nobody can know.
        """
        ...

    @property
    def n_parts(self) -> int | None:
        """How many there are; ``None`` where nobody can know."""
        ...

    def sample(self) -> list[str]:
        """Return the relations of some of the facts."""
        ...

    def readers(self) -> Iterable[PartReader]:
        """Return the readers of all parts, in the order of the file."""
        ...

    def instead_of(self, part: ReadPart) -> PartReader | None:
        """Return the reader of what has to be read in place of a part, before `took` is told of it.

        ``None``: it was read from where the one before it ended.
        """
        ...

    def took(self, part: ReadPart) -> None:
        """Note that a part was read, in their order; its rows may be gone.

        Raises:
            BadFact: a line of it is not a fact.
        """
        ...

    def rest(self) -> Iterable[Op]:
        """Return what is to be done behind all parts, in its order; called when they were read."""
        ...

    def show(self, what: LoadStep, n: int, total: int | None) -> None:
        """Show the user how much is done, of how much where that is known."""
        ...

    def note_resumed(self, n_parts: int) -> None:
        """Note for the user that so many parts were read by an import that was killed."""
        ...

    def forget(self) -> None:
        """Begin anew: the file will be read in another way."""
        ...

    def at(self, lines: Sequence[int]) -> None:
        """Note which line, if any, an error of the store comes from."""
        ...

    def ended(self) -> None:
        """Note that all were read.

        Raises:
            BadFact: the file is not what it was at the begin.
        """
        ...
