"""What is not an operation is named, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation, Replace
from lamlam.memory_backends.sync import SyncFactStore


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{folder}/facts.db"])
def test_a_bare_fact_is_refused_with_the_way_to_write_it(url: str, tmp_path: Any) -> None:
    bare: Any = Fact(entity="Ada", relation="born", value="1815")
    with SyncFactStore(url.format(folder=tmp_path)) as store:
        with pytest.raises(BadFact, match="not an operation") as caught:
            store.apply([bare])
        assert caught.value.hint == "wrap a fact in lamlam.Assert(fact)"
        assert store.info().facts == 0


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{folder}/facts.db"])
@pytest.mark.parametrize("kind", [Assert, Replace, DefineRelation])
def test_an_operation_on_what_is_no_fact_names_what_it_holds(
    url: str, kind: Any, tmp_path: Any
) -> None:
    """The operation is right, what it was given is not."""
    with SyncFactStore(url.format(folder=tmp_path)) as store:
        with pytest.raises(BadFact, match=f"{kind.__name__} must hold a .*, got dict") as caught:
            store.apply([kind({"entity": "Ada"})])
        what = "RelationRule" if kind is DefineRelation else "Fact"
        assert caught.value.hint == f"make one by lamlam.{what}(…)"
