"""`Capability`: what a store declares that it can do."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from lamlam.errors import NotSupported


class Capability(StrEnum):
    """A power that a store declares; a call that needs an undeclared one raises `NotSupported`."""

    WRITE = "write"
    """`apply` changes the store: it was not opened for reading, nor is it a snapshot."""
    TRANSACTIONS = "transactions"
    """`apply` is all or nothing."""
    CAS = "cas"
    """`apply` honours ``expected``, `Replace` its expected values."""
    IDEMPOTENCY = "idempotency"
    """`apply` with a key that was used returns the commit that it made, and does nothing."""
    ALIASES = "aliases"
    """`AddAlias`, `RemoveAlias`, `MergeEntities` and `SplitEntities` are done."""
    RULES = "rules"
    """`DefineRelation` is done, and inverse relations are answered."""
    NAMESPACES = "namespaces"
    """Entities of the same name in several namespaces are different entities."""
    FAST_LOOKUP = "fast_lookup"
    """`lookup_nowait`, `describe_nowait` and `known_names_nowait` wait for local page reads only."""
    HISTORY = "history"
    """Facts that ended stay readable until they are erased; ``as_of`` is answered."""
    VALID_TIME = "valid_time"
    """Facts may hold for a period of world time, and lookups ask about a moment of it."""
    EXPIRY = "expiry"
    """`scan` hides facts whose period has ended, unless asked for them; `sweep` ends them."""
    FUZZY = "fuzzy"
    """Names are found in other spellings."""
    CHANGES = "changes"
    """`changes` gives what was committed."""
    COMMIT_TIMES = "commit_times"
    """`changes`, `commits` and `history` say when each commit was made and by whom."""
    ERASE = "erase"
    """`erase` leaves nothing that the store itself can read."""
    ERASE_PHYSICAL = "erase_physical"
    """`erase` searches the bytes afterwards."""
    SEARCH_INDEX = "search_index"
    """`set_search_index` makes an index, with which `search` need not read every fact."""
    MULTIPROCESS = "multiprocess"
    """Several processes may have the store open."""
    SERVER = "server"
    """The facts are behind a connection that can fail."""


class HasCapabilities(Protocol):
    """What declares capabilities."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""
        ...


def unsupported(store: HasCapabilities, what: str, capability: Capability) -> NotSupported:
    """Return the error of a call that needs an undeclared capability, or a method not written."""
    if capability in store.capabilities and hasattr(type(store), what):
        return NotSupported(
            f"{type(store).__name__} declares {capability.value!r}, but its class has no {what}",
            hint=f"write {what}, or do not declare the capability",
        )
    return NotSupported(
        f"{type(store).__name__} has no {what}: it does not declare {capability.value!r}",
        hint="store.capabilities says what it can do",
    )
