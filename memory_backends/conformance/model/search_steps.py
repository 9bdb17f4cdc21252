"""Steps of the random operations that search, and turn the search index on and off."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from lamlam.memory_backends.conformance.model.oracle import Oracle
from lamlam.memory_backends.conformance.model.oracle_commit import FOREVER, OracleRow
from lamlam.memory_backends.conformance.model.oracle_search import SEARCHED_TEXTS, found_by_oracle
from lamlam.memory_backends.model.clock import microseconds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.search_rules import MAX_LIMIT
from lamlam.memory_backends.protocol import Capability, FactStore

SEARCHED_SPACES = st.sampled_from([(), (), (), ("a",), None])


class SearchSteps:
    """The part of the machine that searches."""

    store: FactStore
    model: Oracle
    can: frozenset[Capability]

    @abstractmethod
    def _call(self, call: Any, *arguments: Any, **named: Any) -> Any: ...

    @abstractmethod
    def _seen(self, fact: Fact) -> tuple[Any, ...]: ...

    @abstractmethod
    def _row(self, row: OracleRow) -> tuple[Any, ...]: ...

    @rule(kind=st.sampled_from(["on", "off", "sources"]))
    def switch_search_index(self, kind: str) -> None:
        if Capability.SEARCH_INDEX in self.can:
            self._call(self.store.set_search_index, kind != "off", sources=kind == "sources")

    @rule(
        text=st.sampled_from(SEARCHED_TEXTS),
        space=SEARCHED_SPACES,
        sources=st.booleans(),
        ended=st.booleans(),
    )
    def search(self, text: str, space: Any, *, sources: bool, ended: bool) -> None:
        if space and Capability.NAMESPACES not in self.can:
            return
        result = self._call(
            self.store.search, text, namespace=space, limit=MAX_LIMIT, sources=sources,
            include_expired=ended,
        )  # fmt: skip
        by = -FOREVER if ended else microseconds(None)
        found = [((f.namespace, canonical_key(f.entity)), self._seen(f)) for f in result.facts]
        given = found_by_oracle(self.model.now, text, space, sources=sources, ended_by=by)
        assert Counter(found) == Counter((name, self._row(row)) for name, row in given)
        assert result.is_complete
