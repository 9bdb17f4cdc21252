"""Suite 0: a store does what the `Oracle` does, whatever operations and erasures come."""

from __future__ import annotations

from anyio.from_thread import start_blocking_portal
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from lamlam.memory_backends.conformance.backend import Backend
from lamlam.memory_backends.conformance.laws.base import Laws
from lamlam.memory_backends.conformance.model.erasing_machine import ErasingMachine
from lamlam.memory_backends.conformance.model.state_machine import STEPS
from lamlam.memory_backends.conformance.samples import RANDOM


class ModelLaws(Laws):
    """Suite 0: whatever is done to a store, it answers like the model."""

    suite = "model"

    def test_a_store_is_what_the_model_is(self, conformance_backend: Backend) -> None:
        """After any operations in any order every read of the store is the model's: facts, past,
        names and feed.
        """
        run_machine(conformance_backend)


def run_machine(backend: Backend, examples: int | None = None, steps: int = STEPS) -> None:
    """Run the machine on the backend.

    Raises:
        AssertionError: store and model disagree; the steps to it are printed.
    """
    with start_blocking_portal(backend.event_loop) as portal:
        machine = type("Machine", (ErasingMachine,), {"backend": backend, "portal": portal})
        run_state_machine_as_test(
            machine,
            settings=settings(
                RANDOM,
                max_examples=examples or backend.examples,
                stateful_step_count=steps,
                phases=tuple(p for p in Phase if backend.is_shrunk or p is not Phase.shrink),
            ),
        )
