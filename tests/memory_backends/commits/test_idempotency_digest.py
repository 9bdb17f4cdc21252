"""The digest of operations stays what it was: keys that were used before an upgrade still fit."""

from __future__ import annotations

from lamlam.memory_backends.commits.idempotency import kept_of
from lamlam.memory_backends.model.operations import Retract
from lamlam.memory_backends.model.timestamps import as_moment


def test_a_later_field_does_not_change_the_digest() -> None:
    """A retraction without `expired_at` has the digest of versions that had no such field."""
    plain = kept_of(b"s", [Retract("Ada", "work")])
    assert plain.digest == "77825a5d4d0f353f86bca645c88de4fe"
    expired = kept_of(b"s", [Retract("Ada", "work", expired_at=as_moment("2020"))])
    assert expired.digest != plain.digest
