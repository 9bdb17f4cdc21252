"""Documents of JSON in a fact store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

import lamlam
from lamlam.memory_backends.model.clock import clock_at, now
from lamlam.stored_documents.document_store import DocumentStore

PLACE = ("users", "Ada_Q")


@pytest.fixture
def facts() -> Iterator[lamlam.SyncFactStore]:
    """Yield an empty store."""
    with lamlam.SyncFactStore("memory:") as opened:
        yield opened


@pytest.fixture
def documents(facts: lamlam.SyncFactStore) -> DocumentStore:
    """Return documents under a root."""
    return DocumentStore(facts, ("kept",))


def put(documents: DocumentStore, key: str, text: str, minutes: float | None = None) -> None:
    """Write one with a text."""
    documents.write([documents.new(PLACE, key, {"text": text}, text, minutes)])


def test_keys_that_a_memory_would_unify_stay_two(documents: DocumentStore) -> None:
    """And so do labels."""
    put(documents, "Note_A", "likes pizza")
    put(documents, "note a", "likes tea")
    upper, lower = documents.get(PLACE, "Note_A"), documents.get(PLACE, "note a")
    assert upper and lower
    assert (upper.value, lower.value) == ({"text": "likes pizza"}, {"text": "likes tea"})
    assert documents.labels() == {PLACE}
    assert documents.get(("users", "ada q"), "Note_A") is None


def test_what_is_replaced_is_as_old_as_before(documents: DocumentStore) -> None:
    """Only its last change is new."""
    start = now()
    with clock_at(start):
        put(documents, "a", "pizza")
    with clock_at(start + timedelta(minutes=5)):
        put(documents, "a", "pasta")
    held = documents.get(PLACE, "a")
    assert held
    assert (held.created_at, held.updated_at) == (start, start + timedelta(minutes=5))


def test_searching_by_words_filter_and_age(documents: DocumentStore) -> None:
    """The best first with a score, or the newest first without one."""
    start = now()
    for minute, (key, text) in enumerate({"a": "red pizza", "b": "tea", "c": "pizza"}.items()):
        with clock_at(start + timedelta(minutes=minute)):
            put(documents, key, text)
    with clock_at(start + timedelta(minutes=9)):
        listed = list(documents.search(("users",), None, None))
        asked = list(documents.search((), "pizza", {"text": {"$ne": "pizza"}}))
    assert [(one.key, score) for one, score in listed] == [("c", None), ("b", None), ("a", None)]
    assert [one.key for one, _ in asked] == ["a"]
    assert all(score for _, score in asked)


def test_what_has_expired_is_hidden_and_then_swept(documents: DocumentStore) -> None:
    """Unless it was written again, which lets it live as long once more."""
    start = now()
    with clock_at(start):
        put(documents, "a", "pizza", minutes=10)
        put(documents, "b", "tea", minutes=10)
    with clock_at(start + timedelta(minutes=8)):
        held = documents.get(PLACE, "b")
        assert held
        documents.write([held])
    with clock_at(start + timedelta(minutes=12)):
        assert documents.get(PLACE, "a") is None
        assert documents.get(PLACE, "b") == held
        assert documents.sweep() == 1


def test_a_removed_document_is_history_until_it_is_erased(
    documents: DocumentStore, facts: lamlam.SyncFactStore
) -> None:
    """Removing ends it; erasing leaves nothing."""
    place = ("kept", "users", "%41da%5f%51")
    put(documents, "a", "pizza")
    documents.write([], [(PLACE, "a")])
    assert documents.get(PLACE, "a") is None
    assert list(facts.history("a", "item", namespace=place))
    put(documents, "a", "pizza")
    documents.write([], [(PLACE, "a")], erase=True)
    assert not list(facts.history("a", "item", namespace=place))


def test_one_value_that_is_not_json_writes_nothing(documents: DocumentStore) -> None:
    """Not even what stands before it."""
    good = documents.new(PLACE, "a", {"n": 1}, "", None)
    bad = documents.new(PLACE, "b", {"n": object()}, "", None)
    with pytest.raises(TypeError):
        documents.write([good, bad])
    assert documents.get(PLACE, "a") is None
