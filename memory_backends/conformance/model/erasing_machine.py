"""Random erasures besides random operations: of entities, relations, values and namespaces."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from lamlam.errors import NotSupported
from lamlam.memory_backends.conformance.model.state_machine import (
    NAMES,
    RELATIONS,
    SPACES,
    VALUES,
    StoreMachine,
)
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import ErasureReceipt, MentionChoice
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.protocol import Capability

_PLACEHOLDER = "Someone"


class ErasingMachine(StoreMachine):
    """One store, and the oracle for it, also of erasures."""

    @rule(entity=NAMES, relation=st.none() | RELATIONS, space=SPACES)
    def erase(self, entity: str, relation: str | None, space: tuple[str, ...]) -> None:
        if self._erases(space):
            name = (space, canonical_key(entity))
            n_before = self.model.erase(name, relation, keeps_history=self._keeps)
            receipt = self._call(self.store.erase, entity, relation, namespace=space)
            self._compare(receipt, n_before)

    @rule(entity=NAMES, relation=RELATIONS, value=VALUES, space=SPACES)
    def erase_value(self, entity: str, relation: str, value: Value, space: tuple[str, ...]) -> None:
        """Erase one value of a relation, by its type or its surface."""
        if self._erases(space):
            try:
                receipt = self._call(self.store.erase, entity, relation, value, namespace=space)
            except NotSupported:
                return
            name = (space, canonical_key(entity))
            n_before = self.model.erase(name, relation, value, keeps_history=self._keeps)
            self._compare(receipt, n_before)

    @rule(
        entity=NAMES,
        space=SPACES,
        choice=st.sampled_from(["retract", "replace"]),
    )
    def erase_as_value(self, entity: str, space: tuple[str, ...], choice: MentionChoice) -> None:
        """Erase an entity with the facts whose value it is."""
        if self._erases(space):
            placeholder = _PLACEHOLDER if choice == "replace" else None
            try:
                receipt = self._call(
                    self.store.erase,
                    entity,
                    namespace=space,
                    mentions=choice,
                    placeholder=placeholder,
                )
            except NotSupported:
                return
            name = (space, canonical_key(entity))
            n_before = self.model.erase(
                name, keeps_history=self._keeps, with_facts_of_others=True, placeholder=placeholder
            )
            self._compare(receipt, n_before)

    @rule()
    def erase_space(self) -> None:
        """Erase all of a namespace."""
        if self._erases(("a",)):
            n_before = self.model.erase_space(("a",), keeps_history=self._keeps)
            self._compare(self._call(self.store.erase_namespace, ("a",)), n_before)

    @property
    def _keeps(self) -> bool:
        return Capability.HISTORY in self.can

    def _erases(self, space: tuple[str, ...]) -> bool:
        can = self.can
        return Capability.ERASE in can and (not space or Capability.NAMESPACES in can)

    def _compare(self, receipt: ErasureReceipt, n_before: int) -> None:
        self.is_erased = self.is_erased or bool(n_before)
        if receipt.revision - self.base > self.model.revision:
            # A name that is nobody's any more was in the log of commits, which the model has not.
            assert receipt.log_entries and not n_before
            self.model.note_revision()
        if self._keeps:
            assert receipt.facts == n_before
        if Capability.ERASE_PHYSICAL in self.can:
            # A text of a letter or two cannot be searched for, as the receipt then says.
            is_short = any("too short" in place for place in receipt.pending)
            assert receipt.verified == (bool(receipt.facts) and not is_short), receipt
