"""Suite 13: stores of other versions, and of none."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import FactStoreError, SchemaMismatch, StoreMissing
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply
from lamlam.memory_backends.conformance.samples import ADA, fact, facts, put, values
from lamlam.memory_backends.model.operations import Assert, Retract
from lamlam.memory_backends.protocol import Capability, FactStore


class MigrationLaws(Laws):
    """Suite 13: stores of other versions."""

    suite = "migrations"

    async def test_a_store_of_this_version_needs_no_step(self, store: FactStore) -> None:
        """`migrate` of a new store finds nothing to do, dry or not, and changes nothing."""
        await put(store, (ADA, "work", "x"))
        before = await store.info()
        await store.migrate()
        for dry_run in (True, False):
            report = await store.migrate(dry_run=dry_run)
            assert (report.before, report.after) == (before.schema, before.schema)
            assert (report.steps, report.dry_run) == ((), dry_run)
        assert await store.info() == before
        assert await values(store, "work") == ["x"]

    async def test_a_missing_store_is_not_made_for_reading(self, place: Place) -> None:
        """Without ``create`` a store that does not exist is `StoreMissing`."""
        backend = place.backend
        if not backend.is_persistent:
            does_not_apply("every opening is a new store")
        with backend.fresh() as url:
            for options in ({"create": False}, {"create": False, "read_only": True}):
                with pytest.raises(StoreMissing):
                    async with backend.open(url, **options) as store:
                        await store.lookup(ADA, "work")

    async def test_stores_of_every_release_are_brought_up_to_date(
        self, place: Place, tmp_path: Path
    ) -> None:
        """A store of any released version is readable after `migrate`, which a dry run announces
        step by step.
        """
        old = place.backend.old_stores(tmp_path)
        if not old:
            does_not_apply("the backend supplies no stores of older versions")
        for version, url in old.items():
            async with place.backend.open(url) as store:
                announced = await store.migrate(dry_run=True)
                done = await store.migrate()
                assert done.steps == announced.steps, version
                assert (await store.migrate()).steps == ()
                assert await values(store) == ["London"], version
                before = len(await facts(store))
                await store.apply([Assert(fact("x", "work"))])
                await store.apply([Retract(ADA, "work")])
                assert len(await facts(store)) == before
            async with place.backend.open(url, read_only=True) as store:
                assert await values(store) == ["London"]

    async def test_a_newer_schema_is_refused(self, place: Place) -> None:
        """A store that a newer version wrote is `SchemaMismatch`, and is left as it is."""
        with place.backend.newer_store() as url:
            if url is None:
                does_not_apply("the backend supplies no store of a newer version")
                return
            files = {path: path.read_bytes() for path in place.backend.files(url) if path.exists()}
            for read_only in (False, True):
                with pytest.raises(SchemaMismatch):
                    async with place.backend.open(url, read_only=read_only) as store:
                        await store.lookup(ADA, "birth place")
            for path, held in files.items():
                if path.exists() and not path.name.endswith("-shm"):
                    assert path.read_bytes() == held


class DeclarationLaws(Laws):
    """Suite 0: what a store declares."""

    suite = "declarations"

    async def test_what_is_declared_is_known(self, store: FactStore, place: Place) -> None:
        """A store declares capabilities of the protocol, the ones that its author expects, and the
        same each time.
        """
        assert store.capabilities <= frozenset(Capability)
        expected = place.backend.capabilities
        assert expected is None or store.capabilities == expected
        async with place.another() as other:
            assert other.capabilities == store.capabilities

    async def test_a_store_is_a_fact_store(self, store: FactStore) -> None:
        """A store has every method of the protocol, and `info` says what it is and what it holds."""
        assert isinstance(store, FactStore)
        empty = await store.info()
        assert (empty.facts, empty.entities, empty.read_only) == (0, 0, False)
        assert empty.backend and empty.location and empty.schema >= 1
        await put(store, (ADA, "work", "x"), (ADA, "score", "y"), ("Bob", "work", "z"))
        full = await store.info()
        assert (full.facts, full.entities, full.revision) == (3, 2, empty.revision + 1)
        assert (full.backend, full.location) == (empty.backend, empty.location)

    async def test_powers_that_belong_together(self, store: FactStore) -> None:
        """A store that searches bytes can erase, and one that accepts idempotency keys has atomic
        commits.
        """
        can = store.capabilities
        assert Capability.ERASE in can or Capability.ERASE_PHYSICAL not in can
        assert Capability.TRANSACTIONS in can or Capability.IDEMPOTENCY not in can

    async def test_errors_are_named(self, store: FactStore) -> None:
        """Whatever is wrong with a call, the error is one of lamlam's, on one line."""
        with pytest.raises(FactStoreError) as caught:
            await store.apply([Retract("", "")])
        assert "\n" not in str(caught.value)
