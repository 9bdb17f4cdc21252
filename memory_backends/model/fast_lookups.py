"""`FastLookups`: the questions that a store answers at once, in the thread that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lamlam.memory_backends.model.capabilities import Capability, unsupported
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.known_names import names_that
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    LookupStatus,
    checked_lookup,
)
from lamlam.memory_backends.model.meanings import Meanings


@runtime_checkable
class FastLookups(Protocol):
    """What `Capability.FAST_LOOKUP` promises; without it all of these are `NotSupported`."""

    capabilities: frozenset[Capability] = frozenset()
    """What this store can do; a backend declares it as an attribute of its class."""

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`, at once; from any thread (`FAST_LOOKUP`)."""
        raise unsupported(self, "lookup_nowait", Capability.FAST_LOOKUP)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Of an entity with more than 1,024 facts these are the first ones, in stored order.

        Args:
            entity: its name as a text wrote it.
            fuzzy: also accept spellings with typing errors. Without it only names that are
                equal but for case, accents, punctuation, qualifiers, titles and middle
                names count, and an absent name costs microseconds.
            namespace: where the entity is looked for.
            as_of: what the store held of it at this revision (`HISTORY`).

        Raises:
            Conflict: the store has not reached the revision.
            NotSupported: the store would have to wait (`FAST_LOOKUP`), or has no past.
        """
        raise unsupported(self, "describe_nowait", Capability.FAST_LOOKUP)

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names, as they are given, that the store knows: all from one state.

        A name is known where it is that of an entity with facts but for case and spaces, or an
        alias of one. The body asks `describe_nowait` about each name.

        Args:
            names: at most 10,000; those of more than 1,000 characters are unknown.
            namespace: where entities are looked for.
            as_of: which names it knew at this revision (`HISTORY`).
            loosely: count names as known by which `describe_nowait` finds an entity without
                ``fuzzy``, and those that are ambiguous for it. Names of the same person without
                a title or middle name, and those of more than 200 characters, may be left out,
                and without ``loosely`` all of these.

        Raises:
            BadFact: it is not a list of strings, or there are too many of them.
            Conflict: the store has not reached the revision.
            NotSupported: as for `describe_nowait`.
        """
        if Capability.FAST_LOOKUP not in self.capabilities:
            raise unsupported(self, "known_names_nowait", Capability.FAST_LOOKUP)

        def is_known(name: str) -> bool:
            view = self.describe_nowait(name, fuzzy=False, namespace=namespace, as_of=as_of)
            if view is not None:
                return True
            return loosely and bool(
                self.homonyms_nowait(name, fuzzy=False, namespace=namespace, as_of=as_of)
            )

        return names_that(names, is_known)

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean, the most alike first; at most 32.

        Empty where the name is not ambiguous: where `describe_nowait` finds the entity, or
        nothing has such a name. The body finds the five that a lookup names.

        Args:
            name: as a text wrote it.
            fuzzy: as for `describe_nowait`.
            namespace: where entities are looked for.
            as_of: what the store held of them at this revision (`HISTORY`).

        Raises:
            Conflict: the store has not reached the revision.
            NotSupported: as for `describe_nowait`.
        """
        if Capability.FAST_LOOKUP not in self.capabilities:
            raise unsupported(self, "homonyms_nowait", Capability.FAST_LOOKUP)
        result = self.lookup_nowait(checked_lookup(name, "", namespace, None, as_of))
        if result.status is not LookupStatus.AMBIGUOUS:
            return ()
        views = [
            self.describe_nowait(one.entity, fuzzy=False, namespace=namespace, as_of=as_of)
            for one in result.candidates
            if fuzzy or one.score == 1.0
        ]
        return tuple([view for view in views if view is not None])

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the same as `fact`, from any thread."""
        raise unsupported(self, "fact_nowait", Capability.FAST_LOOKUP)

    def meanings_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> Meanings:
        """Return what `describe_nowait` gives, or where that is ``None`` `homonyms_nowait`.

        One question in place of two, for the many words of a text that are names of nothing. The
        body asks both; arguments and errors as for these.
        """
        view = self.describe_nowait(name, fuzzy=fuzzy, namespace=namespace, as_of=as_of)
        if view is not None:
            return Meanings(view)
        homonyms = self.homonyms_nowait(name, fuzzy=fuzzy, namespace=namespace, as_of=as_of)
        return Meanings(None, homonyms)

    def possible_names_nowait(
        self, names: Sequence[str], *, namespace: Namespace = (), as_of: int | None = None
    ) -> frozenset[str]:
        """Return those of the names about which it is worth to ask `meanings_nowait`.

        Every name by which that finds anything without ``fuzzy`` is among them, and few others;
        one question for all of them, from one state. The body returns all names.
        """
        return frozenset(names)

    def state_nowait(self) -> object:
        """Return a mark of what is in the store now; ``None`` where it cannot tell, as in the body.

        While it is equal, every question has the answer that it had, but for facts whose validity
        period begins or ends meanwhile: so a text need not ask twice what a name means.
        """
        return None

    def refresh_nowait(self) -> None:
        """Let the next lookup see everything that was committed before it.

        Until that lookup nothing is held open: call it when there is no more to ask, so that
        an erasure elsewhere can be completed.
        """
        return
