"""`Capability`: what a store declares that it can do."""

from __future__ import annotations

from enum import StrEnum


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
    """`lookup_nowait` and `describe_nowait` wait for no more than a local page read."""
    HISTORY = "history"
    """Facts that ended stay readable until they are erased; ``as_of`` is answered."""
    VALID_TIME = "valid_time"
    """Facts may hold for a period of world time, and lookups ask about a moment of it."""
    FUZZY = "fuzzy"
    """Names are found in other spellings."""
    CHANGES = "changes"
    """`changes` gives what was committed."""
    ERASE = "erase"
    """`erase` leaves nothing that the store itself can read."""
    ERASE_PHYSICAL = "erase_physical"
    """`erase` searches the bytes afterwards."""
    MULTIPROCESS = "multiprocess"
    """Several processes may have the store open."""
    SERVER = "server"
    """The facts are behind a connection that can fail."""
