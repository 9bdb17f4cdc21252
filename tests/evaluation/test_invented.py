"""The invented set can be made again, is balanced, and holds nothing that training may know."""

from __future__ import annotations

import random
import re
from collections import Counter
from types import TracebackType
from typing import Any, Self

import pytest

from lamlam.errors import UnknownOption
from lamlam.evaluation.invented import INVENTED_FILE, evaluate_invented, load_invented
from lamlam.evaluation.make_invented import OPENINGS, lines
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.synthetic.names import can_write_word


def test_the_shipped_file_is_what_the_generator_writes() -> None:
    assert "".join(lines()) == INVENTED_FILE.read_text(encoding="utf-8")


def test_it_is_of_the_promised_size() -> None:
    facts, items = load_invented()
    assert len(facts) >= 1300
    assert len(items) >= 300
    assert len({fact.entity for fact in facts}) >= 400


def test_openings_are_balanced_from_the_first_items_on() -> None:
    _, items = load_invented()
    for n in (len(OPENINGS) * 3, len(items)):
        counts = Counter(item.opening for item in items[:n])
        assert set(counts) == {opening.label for opening in OPENINGS}
        assert len(set(counts.values())) == 1


def test_every_item_asks_for_a_fact_of_the_set() -> None:
    facts, items = load_invented()
    assert all(item.fact in facts for item in items)
    for item in items:
        assert item.prompt.startswith(item.fact.entity)
        assert item.prompt == item.prompt.rstrip()
        assert item.fact.value not in item.prompt.removeprefix(item.fact.entity)
        assert "{" not in item.prompt


def test_an_entity_has_one_value_of_each_relation_by_either_name() -> None:
    facts, _ = load_invented()
    assert max(Counter((fact.entity, fact.relation) for fact in facts).values()) == 1
    assert max(Counter((fact.entity, fact.typed_relation) for fact in facts).values()) == 1


def test_the_training_templates_cannot_write_these_names() -> None:
    """Every name holds a word outside their lists and syllables."""
    facts, _ = load_invented()
    names = {fact.entity for fact in facts}
    for name in names:
        words = re.findall(r"[^\W\d_]{3,}", name.replace("'s", ""))
        assert not all(can_write_word(word) for word in words), name
    rng = random.Random(11)
    assert names.isdisjoint(invent(rng).title for _ in range(3000))


class OracleEngine:
    """Finds the last item's value in memory by its name, and writes it."""

    seen: dict[str, Any] = {}
    asks = "relation"

    def __init__(self, model: str, memory: str | None, **options: Any) -> None:
        OracleEngine.seen = {"model": model, "memory": memory, **options}
        self.memory = memory
        _, items = load_invented()
        self.facts = {item.prompt: item.fact for item in items}

    verbalise = "copy"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def generate(self, prompt: str, **options: Any) -> Completion:
        assert options == {"max_tokens": 40}
        value = self._look(prompt) if self.memory else None
        record = LookupRecord(
            entity=self.facts[prompt].entity,
            relation=getattr(self.facts[prompt], self.asks),
            status=LookupStatus.HIT if value else LookupStatus.MISS,
            value=value,
            fact_id=None,
            source=None,
            elapsed_s=0.0,
            match=None,
            at=len(prompt),
        )
        lookups = (record,) if self.memory else ()
        return Completion(
            f"{prompt} {value or 'nothing'} and so on", (), lookups, "length", 9, 9, 5
        )

    def _look(self, prompt: str) -> str | None:
        from lamlam.memory_backends.sync import SyncFactStore

        assert self.memory is not None
        fact = self.facts[prompt]
        with SyncFactStore(self.memory) as store:
            return store.lookup(fact.entity, getattr(fact, self.asks)).value


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> type[OracleEngine]:
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", OracleEngine)
    monkeypatch.setattr(OracleEngine, "asks", "relation")
    return OracleEngine


def test_a_reader_that_asks_right_scores_full(oracle: type[OracleEngine]) -> None:
    result = evaluate_invented(items=40, show_progress=False)
    assert result["items"] == 40
    assert [result[key] for key in ("exact", "lookup_issued", "right_value", "missed")] == [
        1.0, 1.0, 1.0, 0.0,
    ]  # fmt: skip
    by_opening = result["by_opening"]
    assert isinstance(by_opening, dict)
    assert set(by_opening.values()) == {1.0}


def test_typed_names_are_what_memory_then_holds(
    oracle: type[OracleEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OracleEngine, "asks", "typed_relation")
    result = evaluate_invented(items=40, names="typed", show_progress=False)
    assert result["exact"] == 1.0
    assert result["names"] == "typed"


def test_without_memory_nothing_is_known(oracle: type[OracleEngine]) -> None:
    result = evaluate_invented(items=20, no_memory=True, verbalise="model", show_progress=False)
    assert result["exact"] == 0.0
    assert result["lookup_issued"] == 0.0
    assert oracle.seen == {"model": "bundled", "memory": None, "verbalise": "model"}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownOption, match="colloquial"):
        evaluate_invented(names="colloquial")
