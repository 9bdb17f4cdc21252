"""What a store in memory can do, opened for reading or for writing."""

from __future__ import annotations

from lamlam.memory_backends.protocol import Capability

READING = frozenset(
    {
        Capability.FAST_LOOKUP, Capability.FUZZY, Capability.HISTORY, Capability.ALIASES,
        Capability.RULES, Capability.NAMESPACES, Capability.VALID_TIME, Capability.CHANGES,
        Capability.COMMIT_TIMES, Capability.EXPIRY,
    }
)  # fmt: skip
WRITING = frozenset(
    {
        Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.IDEMPOTENCY,
        Capability.ERASE, Capability.SEARCH_INDEX,
    }
)  # fmt: skip
