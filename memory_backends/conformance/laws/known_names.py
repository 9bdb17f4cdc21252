"""Suite 3, names: which of many a store knows, and what an ambiguous one may mean."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, HALF, fact, put
from lamlam.memory_backends.model.known_names import (
    MAX_HOMONYMS,
    MAX_NAMES,
)
from lamlam.memory_backends.model.operations import AddAlias, Assert, RemoveAlias, Retract
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS
from lamlam.memory_backends.protocol import Capability, FactStore

NOBODY = ("Nobody", "Tell me", "", " ", "_", HALF, "\0", "\x1d", "a\x1dada lovelace", "zz " * 4000)
"""Names of nothing, hostile ones among them."""


class KnownNameLaws(Laws):
    """Suite 3: many names in one question."""

    suite = "lookups"

    async def test_known_names_are_those_with_facts(self, store: FactStore) -> None:
        """`known_names` gives back, as they were written, the names of entities that have facts,
        and no others.
        """
        await put(store, (ADA, "work", "x"), ("Łódź", "work", "y"), ("Gone", "work", "z"))
        written = ("ada LOVELACE", " Ada_Lovelace  ", ADA, "ŁÓDŹ")
        asked = [*NOBODY, *written, "Gone", ADA, "Lovelace", "work", "y"]
        assert await store.known_names(asked) == {*written, "Gone"}
        await store.apply([Retract("Gone", "work")])
        for loosely in (False, True):
            assert await store.known_names(asked, loosely=loosely) == set(written)
        assert await store.known_names([]) == await store.known_names(NOBODY) == set()

    async def test_very_many_names_are_asked_in_parts(self, store: FactStore) -> None:
        """So many names as may be asked for at once are answered; one more is `BadFact`, and a very
        long one is unknown.
        """
        longest = "x" * MAX_NAME_CHARACTERS
        await put(store, *((name, "work", "w") for name in (longest, "Name 7")))
        names = [longest, f" {longest}", *(f"Name {n}" for n in range(MAX_NAMES - 2))]
        if Capability.FAST_LOOKUP in store.capabilities:
            store.refresh_nowait()
            assert store.known_names_nowait(names) == {longest, "Name 7"}
            store.refresh_nowait()
        assert await store.known_names(names[:200]) == {longest, "Name 7"}
        with pytest.raises(BadFact, match="at most"):
            await store.known_names([*names, "one more"])

    @pytest.mark.parametrize("names", [ADA, None, 7, [7], [ADA, None], [ADA.encode()]], ids=repr)
    async def test_known_names_takes_a_list_of_strings(
        self, store: FactStore, names: object
    ) -> None:
        """Anything else is `BadFact`: a single string, or a list with another thing in it."""
        with pytest.raises(BadFact, match="names must be"):
            await store.known_names(names)  # type: ignore[arg-type]
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(BadFact, match="names must be"):
                store.known_names_nowait(names)  # type: ignore[arg-type]

    @needs(Capability.ALIASES)
    async def test_an_alias_is_a_known_name(self, store: FactStore) -> None:
        """An alias is known in any case, until it is removed or its entity has no facts."""
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        await store.apply([AddAlias("A B", "One"), AddAlias("A B", "Two"), AddAlias("C D", "Six")])
        asked = ["ONE", "two", "six", "A B", "c d", "Ten"]
        assert await store.known_names(asked) == set(asked) - {"Ten"}
        await store.apply([RemoveAlias("A B", "One"), Retract("C D", "work")])
        assert await store.known_names(asked) == {"two", "A B"}

    @needs(Capability.NAMESPACES)
    async def test_names_are_known_in_their_namespace(self, store: FactStore) -> None:
        """A name is known where its entity is, and in no other namespace."""
        await store.apply([Assert(fact(namespace=("a",))), Assert(fact(entity="B C"))])
        asked = [ADA, "b c"]
        assert await store.known_names(asked, namespace=("a",)) == {ADA}
        assert await store.known_names(asked, namespace=("b",)) == set()
        for loosely in (False, True):
            assert await store.known_names(asked, loosely=loosely) == {"b c"}
        with pytest.raises(BadFact):
            await store.known_names(asked, namespace=("a/b",))

    @needs(Capability.HISTORY)
    async def test_names_are_known_as_of_a_revision(self, store: FactStore) -> None:
        """With ``as_of`` the names are those that had facts then; the future is a `Conflict`."""
        first = (await put(store, (ADA, "work", "x"))).revision
        await put(store, ("B C", "work", "y"))
        last = (await store.apply([Retract(ADA, "work")])).revision
        asked = [ADA, "B C", "C D"]
        assert await store.known_names(asked, as_of=first) == {ADA}
        assert await store.known_names(asked, as_of=last) == {"B C"}
        with pytest.raises(Conflict):
            await store.known_names(asked, as_of=int(last) + 1)
        async with store.snapshot() as then:
            await store.apply([Retract("B C", "work")])
            assert await then.known_names(asked) == {"B C"}
        assert await store.known_names(asked) == set()

    @needs(Capability.FUZZY)
    async def test_names_of_the_same_letters_are_known_loosely(self, store: FactStore) -> None:
        """With ``loosely`` names are known but for accents, qualifiers and an article too, also
        where several entities have them; misspellings and other signs are not.
        """
        stored = (
            "Café Noir",
            "The Salt (novel)",
            "Orb (planet)",
            "Orb (element)",
            "C++",
            "Zwickau",
        )
        await put(store, *((name, "work", name) for name in stored))
        loose = {"cafe noir", "CAFÉ NOIR", "Salt", "the salt", "orb", "Orb (planet)", "Zwickau"}
        names = [*loose, *NOBODY, "C#", "Orb (film)", "Zwickua", "Cafe", "Noir", "Sal"]
        assert await store.known_names(names, loosely=True) == loose
        assert {"CAFÉ NOIR", "Orb (planet)", "Zwickau"} <= await store.known_names(names) <= loose

    @needs(Capability.FAST_LOOKUP)
    async def test_names_are_known_at_once(self, store: FactStore) -> None:
        """`known_names_nowait` gives what `known_names` gives, also after every commit."""
        asked = [f"NAME_{n} (film)" for n in range(4)]
        for n in range(3):
            await put(store, (f"Name {n} (film)", "work", "x"))
            store.refresh_nowait()
            given = store.known_names_nowait([*asked, *NOBODY])
            assert given == await store.known_names(asked) == set(asked[: n + 1])
        store.refresh_nowait()

    @needs(Capability.FAST_LOOKUP, Capability.FUZZY)
    async def test_homonyms_are_the_entities_of_an_ambiguous_name(self, store: FactStore) -> None:
        """`homonyms_nowait` gives the entities that an ambiguous name may mean, with relations and
        values; for a name of one entity or of none it gives none.
        """
        await put(store, ("Orb (planet)", "star", "Sol"), ("Orb (element)", "symbol", "Ob"))
        await put(store, ("Sole (fish)", "work", "x"), (ADA, "work", "y"))
        store.refresh_nowait()
        views = store.homonyms_nowait("ORB")
        assert [(one.name, one.key) for one in views] == [
            ("Orb (element)", "orb (element)"),
            ("Orb (planet)", "orb (planet)"),
        ]
        assert [one.relations for one in views] == [("symbol",), ("star",)]
        assert views[1].values("star") == ("Sol",)
        assert store.describe_nowait("ORB") is None
        for name in ("Orb (planet)", "sole", ADA, *NOBODY):
            assert store.homonyms_nowait(name) == ()
        store.refresh_nowait()

    @needs(Capability.FAST_LOOKUP, Capability.FUZZY)
    async def test_homonyms_are_few(self, store: FactStore) -> None:
        """However many entities have the name, `homonyms_nowait` gives some, and at most 32."""
        await put(store, *((f"Orb (film {n})", "work", "x") for n in range(MAX_HOMONYMS + 9)))
        store.refresh_nowait()
        views = store.homonyms_nowait("Orb")
        assert 1 < len({one.key for one in views}) == len(views) <= MAX_HOMONYMS
        assert store.known_names_nowait(["orb"], loosely=True) == {"orb"}
        store.refresh_nowait()
