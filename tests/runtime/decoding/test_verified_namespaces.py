"""What has become of a user's text: each of its facts is asked for in the namespace it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadFact, OverlayCycle
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.verification import SpanCheck
from lamlam.runtime.engine import Engine

ADA = "Ada Quill"
MINE, OTHER = ("users", "7"), ("users", "8")
URLS = ["memory:", "sqlite:///{}/facts.db"]


def fact(value: str, relation: str = "birth place", namespace: Namespace = ()) -> Fact:
    return Fact(entity=ADA, relation=relation, value=value, namespace=namespace)


async def written(
    model: Path, store: FactStore, relation: str = "birth place", **options: Any
) -> Completion:
    prompt = f"The {relation} of {ADA} is"
    async with Engine(model, store) as engine:
        return await engine.generate(prompt, max_tokens=2, **options)


async def checked(done: Completion, store: FactStore, **options: Any) -> SpanCheck:
    """The check of the one fact, which is the same however it is made."""
    verified = await done.verify(store, **options)
    with SyncFactStore(store) as blocking:
        assert done.verify_sync(blocking, **options) == verified
    (check,) = [one for one in verified.checks if one.status != "not_verifiable"]
    return check


@pytest.mark.anyio
@pytest.mark.parametrize("url", URLS)
async def test_a_standing_fact_of_a_user_is_unchanged(
    tiny_model: Path, tmp_path: Path, url: str
) -> None:
    """Its own status follows it: unchanged, changed, retracted, and unknown once it is erased; what
    becomes of the same relation of others plays no part."""
    async with open_store(url.format(tmp_path)) as store:
        ops = [fact("Lowmere"), fact("Town 7", namespace=MINE), fact("Town 8", namespace=OTHER)]
        await store.apply([Assert(one) for one in ops])
        done = await written(tiny_model, store, namespace=MINE)
        check = await checked(done, store)
        assert (check.status, check.namespace, check.now) == ("unchanged", MINE, ("Town 7",))
        await store.apply([Retract(ADA, "birth place"), Replace(fact("x", namespace=OTHER))])
        assert (await checked(done, store)).status == "unchanged"
        await store.apply([Replace(fact("New 7", namespace=MINE))])
        check = await checked(done, store)
        assert (check.status, check.namespace, check.now) == ("changed", MINE, ("New 7",))
        await store.apply([Retract(ADA, "birth place", namespace=MINE)])
        check = await checked(done, store)
        assert (check.status, check.now, check.ended) == ("retracted", (), check.ended)
        await store.erase(ADA, namespace=MINE)
        assert (await checked(done, store)).status == "unknown"


@pytest.mark.anyio
@pytest.mark.parametrize("url", URLS)
async def test_a_shared_fact_in_a_users_text(tiny_model: Path, tmp_path: Path, url: str) -> None:
    """It is unchanged until the user hides it, and again when that is over."""
    async with open_store(url.format(tmp_path)) as store:
        await store.apply([Assert(fact("Lowmere")), Assert(fact("blue", "colour", MINE))])
        done = await written(tiny_model, store, namespace=MINE)
        check = await checked(done, store)
        assert (check.status, check.namespace, check.now) == ("unchanged", (), ("Lowmere",))
        await store.apply([Assert(fact("Town 7", namespace=MINE))])
        check = await checked(done, store)
        assert (check.status, check.now, check.ended) == ("changed", ("Town 7",), None)
        assert (await checked(done, store, namespace=OTHER)).status == "unchanged"
        assert (await checked(done, store, namespace=MINE)).status == "changed"
        alone = await checked(done, store, namespace=MINE, shared_namespace=None)
        assert alone.status == "unchanged"  # asked for where it is
        await store.apply([Retract(ADA, "birth place", namespace=MINE)])
        assert (await checked(done, store)).status == "unchanged"
        assert await checked(done, Overlay(store, MINE)) == await checked(done, store)


@pytest.mark.anyio
async def test_namespaces_of_a_check_are_checked(tiny_model: Path) -> None:
    """What is no namespace is refused, and so is one behind itself."""
    async with open_store("memory:") as store:
        await store.apply([Assert(fact("Lowmere"))])
        done = await written(tiny_model, store)
        with pytest.raises(BadFact, match="namespace"):
            await done.verify(store, namespace="users/7")
        with pytest.raises(OverlayCycle):
            await done.verify(store, namespace=MINE, shared_namespace=MINE)
        assert (await done.verify(store, namespace=OTHER)).holds
