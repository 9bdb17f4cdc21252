"""`Constraint`: how strongly keys are constrained to what memory holds, as a caller sets it."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.errors import UsageError
from lamlam.runtime.decoding.option_checks import check_bool, check_number


@dataclass(frozen=True, slots=True)
class Constraint:
    """How strongly keys are constrained to what memory holds."""

    entity_floor: float = 0.001
    """If the names that occur in the text and that memory knows have at least this probability
    together, one of them is chosen: models misspell rare names more often than they mean others."""
    relation_floor: float = 0.02
    """The same for relations of the entity."""
    skip_stated: bool = True
    """Leave out relations whose values are all in the text: few values are written twice."""
    by_words: bool = True
    """Where the words of the text name a relation ("The capital of Norway is"), ask for it, and
    for no other; a question or a blank is answered by the value alone."""
    strict: bool = False
    """Allow only keys that memory holds: the name of an entity as stored, or one in the text
    that memory knows, then a relation of that entity or a synonym. A lookup for which none is
    left is rewound. The names of all entities are kept in memory, so more than 100,000 are
    refused (`TooManyEntities`), and so is a store without fast lookups (`NotSupported`). They are
    names of the present: a generation with ``as_of`` is limited to names in the text."""
    only_named: bool = False
    """With ``strict``: allow only entities that are named in the text; no names are kept, so
    memory may be of any size."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        check_number("entity_floor", self.entity_floor, 0.0)
        check_number("relation_floor", self.relation_floor, 0.0)
        check_bool("skip_stated", self.skip_stated)
        check_bool("by_words", self.by_words)
        check_bool("strict", self.strict)
        check_bool("only_named", self.only_named)
        if self.only_named and not self.strict:
            raise UsageError(
                "only_named needs strict", hint="use Constraint(strict=True, only_named=True)"
            )


def read_constraint(constrain: bool | Constraint) -> Constraint | None:
    """Return what the engine's option asks for; ``None`` for false.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(constrain, Constraint):
        return constrain
    if not isinstance(constrain, bool):
        raise UsageError(f"constrain must be True, False or a Constraint, got {constrain!r}")
    return Constraint() if constrain else None
