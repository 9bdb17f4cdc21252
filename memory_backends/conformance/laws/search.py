"""Suite 3, search: facts by a part of a name or of a value, or by the words of a question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lamlam.errors import BadFact, ReadOnly
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, HALF, HOSTILE, fact, put
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.search_rules import MAX_TEXT_CHARACTERS
from lamlam.memory_backends.model.search_text import search_form
from lamlam.memory_backends.protocol import Capability, FactStore

_SOME = (
    (ADA, "birth place", "London"), (ADA, "field", "mathematics"),
    ("London", "country", "England"), ("Jack London", "occupation", "writer"),
    ("Londonderry", "country", "Northern Ireland"), ("Łódź", "country", "Poland"),
    ("Beyoncé Knowles-Carter", "occupation", "singer"), ("O'Brien", "birth place", "Cork"),
    ("U2", "genre", "rock"), ("C++", "designer", "Bjarne"), ("東京都", "country", "日本"),
    ("Жуков", "birth place", "Стрелковка"),
)  # fmt: skip
_FOUND = {
    "london": ["London", "Londonderry", "Jack London", ADA],
    "LONDON": ["London", "Londonderry", "Jack London", ADA],
    "ondo": ["London", "Jack London", "Londonderry", ADA],
    "lodz": ["Łódź"], "ód": ["Łódź"], "beyonce knowles carter": ["Beyoncé Knowles-Carter"],
    "OBRIEN": ["O'Brien"], "o’brien": ["O'Brien"], "u2": ["U2"], "c++": ["C++"], "2": ["U2"],
    "rc": [], "京": ["東京都"], "東京": ["東京都"], "日": ["東京都"], "ук": ["Жуков"],
    "трел": ["Жуков"], "ж": ["Жуков"], "wri": ["Jack London"], "zzz": [], "?!": [], HALF: [],
    "mathem": [ADA], "Who was Ada Lovelace's field?": [ADA],
    "where was the singer born": ["Beyoncé Knowles-Carter"],
}  # fmt: skip
"""Texts, and the entities whose facts they find, in this order."""


async def entities(store: FactStore, text: str, **options: Any) -> list[str]:
    """Return the entities of the facts that a search finds, each once, in order."""
    result = await store.search(text, **options)
    return list(dict.fromkeys(fact.entity for fact in result.facts))


async def indexed(store: FactStore) -> AsyncIterator[str]:
    """Yield without an index, and with either kind where the store can have one."""
    yield "none"
    if Capability.SEARCH_INDEX in store.capabilities:
        await store.set_search_index(sources=True)
        yield "with sources"
        await store.set_search_index()
        yield "without sources"


class SearchLaws(Laws):
    """Suite 3: with an index or without, a search finds the same."""

    suite = "lookups"

    async def test_a_part_of_a_name_or_value_finds_facts(self, store: FactStore) -> None:
        """A part of any length finds the facts of names and values that have it, whatever its
        case, accents and marks: names before values, whole ones before parts.
        """
        await put(store, *_SOME)
        async for index in indexed(store):
            found = {text: await entities(store, text) for text in _FOUND}
            assert found == _FOUND, index
            for text in ("e", "nd"):
                held = {e for e, _, v in _SOME if text in search_form(e) or text in search_form(v)}
                assert set(await entities(store, text)) == held, index

    async def test_a_question_finds_what_it_asks_for_first(self, store: FactStore) -> None:
        """A whole question finds facts by its words: first those of the entity that it names, and
        of these the relation that it asks for.
        """
        await put(store, *_SOME)
        async for index in indexed(store):
            asked = "In which field did Ada Lovelace's work fall?"
            first = (await store.search(asked)).facts[0]
            assert (first.entity, first.surface) == (ADA, "mathematics"), index
            assert (await store.search("what is the of?")).facts == (), index

    async def test_a_search_says_whether_it_is_complete(self, store: FactStore) -> None:
        """At most so many facts come as were asked for, the best ones, and the result says
        whether there are more.
        """
        await put(store, *_SOME)
        async for index in indexed(store):
            whole = await store.search("london")
            assert whole.is_complete and len(whole.facts) == 4, index
            exact = await store.search("london", limit=4)
            assert exact == whole, index
            for limit in range(1, 4):
                part = await store.search("london", limit=limit)
                assert part.facts == whole.facts[:limit] and not part.is_complete, index

    async def test_what_is_searched_for_is_checked(self, store: FactStore) -> None:
        """A text that is none, empty or too long, and a limit out of range, are `BadFact`."""
        too_long = "x" * (MAX_TEXT_CHARACTERS + 1)
        for text in ("", " \n", too_long, too_long * 20, None, 7, b"ada"):
            with pytest.raises(BadFact, match="text must"):
                await store.search(text)  # type: ignore[arg-type]
        for limit in (0, -1, 10_001, True, "5", None, 2.0):
            with pytest.raises(BadFact, match="limit must"):
                await store.search(ADA, limit=limit)  # type: ignore[arg-type]
            with pytest.raises(BadFact, match="limit must"):
                await store.names(ADA, limit=limit)  # type: ignore[arg-type]
        for prefix in (None, 7, too_long):
            with pytest.raises(BadFact, match="prefix must"):
                await store.names(prefix)  # type: ignore[arg-type]
        with pytest.raises(BadFact):
            await store.search(ADA, namespace=("a/b",))

    async def test_hostile_texts_are_only_searched_for(self, store: FactStore) -> None:
        """Operators and quotes of query languages are letters or nothing: each text finds the facts
        that have it, and no error.
        """
        await store.apply(
            [Assert(fact(text, "note", f"Holder {n}")) for n, text in enumerate(HOSTILE)]
        )
        async for index in indexed(store):
            for n, text in enumerate(HOSTILE):
                found = await entities(store, text, limit=200)
                assert f"Holder {n}" in found or not search_form(text), (index, text)
            for text in (
                "\0",
                "a\0b",
                "NEAR(a b)",
                "terms:x",
                "x" * MAX_TEXT_CHARACTERS,
                "a " * 2000,
            ):
                await store.search(text)

    @needs(Capability.ALIASES)
    async def test_aliases_are_names_to_a_search(self, store: FactStore) -> None:
        """An alias finds its entity, until it is removed; so do merges and splits."""
        await put(store, (ADA, "field", "mathematics"), ("A. King", "title", "countess"))
        async for index in indexed(store):
            await store.apply([AddAlias(ADA, "Enchantress of Number")])
            assert await entities(store, "chantress") == [ADA], index
            await store.apply([RemoveAlias(ADA, "Enchantress of Number")])
            assert await entities(store, "chantress") == [], index
            await store.apply([MergeEntities(ADA, "A. King")])
            assert await entities(store, "a king") == await entities(store, "count") == [ADA], index
            await store.apply([SplitEntities(ADA, "A. King")])
            assert await entities(store, "a king") == await entities(store, "count") == ["A. King"]

    @needs(Capability.NAMESPACES)
    async def test_searches_keep_to_their_namespace(self, store: FactStore) -> None:
        """A search finds what its namespace holds; ``None`` means all of them, and a shared one is
        seen behind the first, which hides relations of it.
        """
        await put(store, (ADA, "work", "engine"), ("Eve", "work", "engine"), (ADA, "age", "36"))
        await put(
            store, (ADA, "job", "engineer"), ("Ann", "work", "steam engine"), namespace=("a",)
        )
        await put(store, (ADA, "work", "engine room"), namespace=("b", "c"))
        async for index in indexed(store):
            seen = {}
            for space in [(), ("a",), ("b", "c"), ("b",), None]:
                found = await store.search("engine", namespace=space)
                seen[space] = sorted((f.namespace, f.entity) for f in found.facts)
            assert seen == {
                (): [((), ADA), ((), "Eve")],
                ("a",): [(("a",), ADA), (("a",), "Ann")],
                ("b", "c"): [(("b", "c"), ADA)],
                ("b",): [],
                None: sorted(sum([seen[()], seen[("a",)], seen[("b", "c")]], [])),
            }, index
            both = await store.search("engine", namespace=("b", "c"), shared_namespace=())
            assert [(f.namespace, f.entity) for f in both.facts] == [(("b", "c"), ADA), ((), "Eve")]
            names = {s: await store.names("A", namespace=s) for s in [(), ("a",), ("b",)]}
            assert names == {(): [ADA], ("a",): [ADA, "Ann"], ("b",): []}, index

    async def test_names_are_listed_by_what_they_begin_with(self, store: FactStore) -> None:
        """`names` gives names of entities with facts that begin with a text, by the alphabet, at most
        so many.
        """
        await put(store, *_SOME, ("london bridge", "length", "269 m"), ("Gone", "a", "b"))
        await store.apply([Retract("Gone", "a")])
        async for index in indexed(store):
            assert await store.names("LON") == ["London", "london bridge", "Londonderry"], index
            assert await store.names("lond", limit=2) == ["London", "london bridge"], index
            assert await store.names("o b") == await store.names("zz") == [], index
            everything = sorted({e for e, *_ in _SOME} | {"london bridge"}, key=search_form)
            assert await store.names() == everything, index
            assert await store.names("東京") == ["東京都"], index

    async def test_sources_are_searched_where_asked_for(self, store: FactStore) -> None:
        """A text finds facts by their sources only with ``sources``, indexed or not."""
        await store.apply([Assert(fact(source="Oxford letters, page 7"))])
        async for index in indexed(store):
            assert await entities(store, "letters") == [], index
            assert await entities(store, "letters", sources=True) == [ADA], index
            assert await entities(store, "oxford letter page", sources=True) == [], index

    @needs(Capability.SEARCH_INDEX)
    async def test_every_write_keeps_the_index_in_step(self, store: FactStore) -> None:
        """What is asserted, replaced, retracted or given up is found, or not found any more, at once;
        a search with the index finds what one without it does.
        """
        await store.set_search_index(sources=True)
        await put(store, (ADA, "work", "Note G"), ("Bob", "work", "a Mill"))
        assert await entities(store, "note g") == [ADA]
        await store.apply([Replace(fact("Sketch of the Engine", "work"))])
        assert await entities(store, "note g") == []
        assert await entities(store, "sketch") == [ADA]
        with pytest.raises(BadFact):
            await store.apply([Assert(fact("given up", "work")), Retract(ADA, "")])
        assert await entities(store, "given up") == []
        await store.apply([Retract("Bob", "work")])
        assert await entities(store, "bob") == await entities(store, "mill") == []
        many = [Assert(fact(f"value {n} of many", "number", f"Entity {n}")) for n in range(300)]
        await store.apply(many)
        assert await entities(store, "value 299 of") == ["Entity 299"]
        assert len((await store.search("entity", limit=1000)).facts) == 300
        await store.set_search_index(False)
        assert await entities(store, "value 299 of") == ["Entity 299"]

    @needs(Capability.SEARCH_INDEX, Capability.ERASE)
    async def test_what_is_erased_is_found_no_more(self, store: FactStore) -> None:
        """An erased entity, value, alias or source is in no result, also after the index was made
        again.
        """
        await store.set_search_index(sources=True)
        await store.apply(
            [
                Assert(fact("quetzalcoatlus", "pet", source="xylophone diary")),
                Assert(fact("Bob", "friend", "Zebedee Quux")),
                Assert(fact("kept", "pet", "Bob")),
            ]
        )
        await store.erase(ADA)
        await store.erase("Zebedee Quux", "friend")
        for _ in range(2):
            for text in ("quetz", "xylo", "zebed", "quux", ADA):
                assert await entities(store, text, sources=True) == [], text
            assert await entities(store, "kept") == ["Bob"]
            await store.set_search_index(False)
            await store.set_search_index(sources=True)

    @needs(Capability.SEARCH_INDEX)
    async def test_the_index_is_of_the_store(self, store: FactStore) -> None:
        """`info` says what is indexed; turning it on or off twice is turning it once, and moves no
        revision.
        """
        await put(store, *_SOME)
        before = (await store.info()).revision
        seen = []
        for is_on, sources in ((True, False), (True, False), (True, True), (False, False)):
            done: list[tuple[int, int]] = []

            def note(n: int, of: int, to: list[tuple[int, int]] = done) -> None:
                to.append((n, of))

            await store.set_search_index(is_on, sources=sources, on_progress=note)
            seen.append((await store.info()).search_index)
            assert all(0 < n <= of for n, of in done) and done == sorted(done)
        assert seen == ["names, values", "names, values", "names, values, sources", "off"]
        assert (await store.info()).revision == before

    @needs(Capability.SEARCH_INDEX)
    async def test_a_store_for_reading_keeps_its_index(self, place: Place) -> None:
        """Who opens the store for reading searches with the index, and cannot turn it on or off."""
        if not place.backend.is_persistent:
            return
        async with place.open() as store:
            await put(store, *_SOME)
            await store.set_search_index()
        async with place.open(read_only=True) as store:
            assert await entities(store, "lodz") == ["Łódź"]
            with pytest.raises(ReadOnly):
                await store.set_search_index(False)
