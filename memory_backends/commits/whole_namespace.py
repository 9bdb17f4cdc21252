"""List the entities of a store; erase every one of a namespace, and make one receipt of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import (
    MOST_MENTIONS,
    OUT_OF_REACH,
    ErasureReceipt,
    KnownEntity,
    KnownNamespace,
    Mention,
)

NAME_STAYS = "the name of the namespace: the change log tells copies by it what to erase"


class EntityCounts:
    """The entities of facts that are added, with how many."""

    def __init__(self, name: str | None) -> None:
        """Begin; with a name only entities of exactly this one count."""
        self._key = None if name is None else canonical_key(name)
        self._counts: Counter[tuple[Namespace, str]] = Counter()

    def add(self, fact: Fact) -> None:
        """Add a fact."""
        if self._key is None or canonical_key(fact.entity) == self._key:
            self._counts[fact.namespace, fact.entity] += 1

    def all(self) -> list[KnownEntity]:
        """Return the entities, in the order in which they came."""
        return [
            KnownEntity(name, space, n_facts, 0) for (space, name), n_facts in self._counts.items()
        ]


class NamespaceCounts:
    """The namespaces of entities that are added, with what is known in each."""

    def __init__(self, prefix: Namespace) -> None:
        """Begin; only namespaces that begin with the prefix count."""
        self._prefix = prefix
        self._counts: dict[Namespace, list[int]] = {}

    def add(self, entity: KnownEntity) -> None:
        """Add an entity."""
        counts = self._counts.setdefault(entity.namespace, [0, 0, 0])
        for place, more in enumerate((1, entity.facts, entity.past)):
            counts[place] += more

    def all(self) -> list[KnownNamespace]:
        """Return the namespaces, in order."""
        return [
            KnownNamespace(space, *self._counts[space])
            for space in sorted(self._counts)
            if space[: len(self._prefix)] == self._prefix
        ]


class NamespaceErasure:
    """Which entities are to be erased next, until nothing is left of the namespace."""

    def __init__(
        self, namespace: Namespace, reason: str | None, authority: str | None, revision: int
    ) -> None:
        """Begin.

        Args:
            namespace: whose entities are erased.
            reason: why; for the receipt.
            authority: who asked for it.
            revision: of the store, where nothing is to be erased.

        Raises:
            BadFact: it is the usual namespace, which no mistake may empty, or cannot be one.
        """
        self.namespace = check_namespace(namespace)
        if not self.namespace:
            raise BadFact(
                "erase_namespace needs a namespace, got the unnamed one, ()",
                hint="erase its entities one by one: store.entities(namespace=()) lists them",
            )
        self._reason, self._authority, self._revision = reason, authority, revision
        self._receipts: list[ErasureReceipt] = []
        self._erased = -1

    def names(self, listed: Iterable[KnownEntity]) -> list[str]:
        """Return what to erase of the entities that are there; empty: it is done."""
        done = sum(receipt.facts for receipt in self._receipts)
        if done == self._erased:  # what is left cannot be erased
            return []
        self._erased = done
        return [one.name for one in listed]

    def add(self, receipt: ErasureReceipt) -> None:
        """Take the receipt of one entity."""
        self._receipts.append(receipt)

    @contextmanager
    def noting_what_is_done(self) -> Iterator[None]:
        """Add to any error, an interruption too, what was erased before it."""
        try:
            yield
        except BaseException as error:
            if done := sum(receipt.facts for receipt in self._receipts):
                error.add_note(
                    f"{done:,} facts of the namespace were erased before it, up to revision"
                    f" {int(self._receipts[-1].revision)}; doing it again completes it"
                )
            raise

    def receipt(self) -> ErasureReceipt:
        """Return the receipt for all of it."""
        receipts = self._receipts
        mentions = list(dict.fromkeys(self._mentions()))
        finished = {revision for receipt in receipts for revision in receipt.finished}
        unfinished = receipts[-1].unfinished if receipts else ()
        erased = [receipt for receipt in receipts if not receipt.is_empty]
        unlisted = Counter(
            one.namespace for one in mentions[MOST_MENTIONS:] if one.where != "actor"
        )
        n_actors = sum(one.where == "actor" for one in mentions[MOST_MENTIONS:])
        for one in receipts:
            unlisted.update(dict(one.unlisted))
            n_actors += one.n_mentions - len(one.mentions) - sum(n for _, n in one.unlisted)
        del unlisted[self.namespace]  # what it said itself is erased with it
        return ErasureReceipt(
            facts=sum(receipt.facts for receipt in receipts),
            entity=None,
            relation=None,
            covered=_joined(receipt.covered for receipt in erased[-1:]),
            pending=_joined(one.pending for one in erased if one.revision not in finished),
            verified=bool(erased)
            and all(one.verified or one.revision in finished for one in erased),
            revision=receipts[-1].revision if receipts else self._revision,
            reason=self._reason,
            authority=self._authority,
            uncovered=(*OUT_OF_REACH, NAME_STAYS),
            namespace=self.namespace,
            log_entries=sum(receipt.log_entries for receipt in receipts),
            mentions=tuple(mentions[:MOST_MENTIONS]),
            n_mentions=len(mentions[:MOST_MENTIONS]) + n_actors + unlisted.total(),
            unlisted=tuple(sorted(unlisted.items())),
            finished=tuple(sorted(finished - {one.revision for one in receipts})),
            unfinished=unfinished,
        )

    def _mentions(self) -> Iterator[Mention]:
        for receipt in self._receipts:
            for one in receipt.mentions:
                # What the namespace itself said is erased with it.
                if one.where in ("actor", "rule") or one.namespace != self.namespace:
                    yield one


def _joined(places: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for some in places for place in some))
