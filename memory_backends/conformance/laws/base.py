"""`Laws`: what every suite of laws is built on. A law is a test whose docstring is the law."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import ClassVar, TypeVar

import pytest

from lamlam.memory_backends.conformance.backend import Backend, Place
from lamlam.memory_backends.conformance.refusals import check_refused
from lamlam.memory_backends.protocol import Capability, FactStore

NOT_DECLARED = "not declared: "
DOES_NOT_APPLY = "does not apply: "
_NEEDS = "lamlam_needs"
Decorated = TypeVar("Decorated", bound=Callable[..., object] | type)


def needs(*capabilities: Capability) -> Callable[[Decorated], Decorated]:
    """Limit the law, or every law of the class, to stores that declare these capabilities.

    Where one is not, the calls that need it must be refused, and the law is reported as not
    declared.
    """

    def mark(law: Decorated) -> Decorated:
        setattr(law, _NEEDS, capabilities)
        return law

    return mark


def needs_of(suite: type, law: Callable[..., object]) -> tuple[Capability, ...]:
    """Return the capabilities that a law of a suite needs, in a fixed order; writing first."""
    owner = next((base for base in suite.__mro__ if law.__name__ in vars(base)), suite)
    needed = (Capability.WRITE, *getattr(owner, _NEEDS, ()), *getattr(law, _NEEDS, ()))
    return tuple(dict.fromkeys(needed))


def does_not_apply(why: str) -> None:
    """Skip the law for this backend, and show the reason in the report."""
    pytest.skip(DOES_NOT_APPLY + why)


class Laws:
    """A suite of laws; a subclass for one backend sets ``backend``.

    A backend that is known only while tests run (a server) comes from the fixture
    ``conformance_backend``, which the subclass overrides.
    """

    suite: ClassVar[str] = ""
    """In reports."""
    backend: ClassVar[Backend]
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def conformance_backend(self) -> Backend:
        """Return the backend under test."""
        return self.backend

    @pytest.fixture
    def anyio_backend(self, conformance_backend: Backend) -> str:
        """Return the event loop on which anyio's pytest plugin runs the laws."""
        return conformance_backend.event_loop

    @pytest.fixture
    async def place(
        self, request: pytest.FixtureRequest, conformance_backend: Backend
    ) -> AsyncIterator[Place]:
        """Make an empty store, not open; skip the law if the store does not declare what it needs."""
        with conformance_backend.fresh() as url:
            place = Place(conformance_backend, url)
            needed = needs_of(type(self), request.function)
            async with place.open() as store:
                lacking = [one for one in needed if one not in store.capabilities]
                for capability in lacking:
                    await check_refused(store, capability)
            if lacking:
                pytest.skip(NOT_DECLARED + ", ".join(one.value for one in lacking))
            yield place

    @pytest.fixture
    async def store(self, place: Place) -> AsyncIterator[FactStore]:
        """Open an empty store."""
        async with place.open() as store:
            yield store
