"""The cache kept across lookups and rewinds is the cache of a fresh evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import LlamaContext, open_context, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.support import Asked

# llama.cpp adds up in another order for another batch, and keeps keys and values in f16.
TOLERANCE = 3e-2


@pytest.mark.parametrize("policy", ["continue", "ask_again", "unknown"])
def test_logits_after_lookups_and_rewinds_are_those_of_a_fresh_evaluation(
    tiny_model: Path, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every choice of a text with hits and misses, whatever was kept or cut before."""
    seen: list[tuple[list[int], Logits]] = []
    pick = Sampler.pick

    def watched(self: Sampler, logits: Logits, choice: Choice, history: list[int]) -> int:
        seen.append((list(history), logits.copy()))
        return pick(self, logits, choice, history)

    monkeypatch.setattr(Sampler, "pick", watched)
    memory = FakeStore({"marie curie": {"field": ["physics", "chemistry"], "child": ["Irène"]}})
    keywords = {"max_tokens": 40, "max_lookups": 7, "policy": policy}
    asked = Asked("Marie Curie", text_settings(keywords, verbalise="copy", lookup_bias=1000.0))
    with (
        open_model(check_file(tiny_model)) as model,
        open_context(model, context=512, n_sequences=1, n_batch=64, threads=1) as context,
    ):
        scheduler = Scheduler(
            context,
            Vocabulary(model),
            as_store(memory),
            is_fast=True,
            constraint=Constraint(entity_floor=0.0, relation_floor=0.0),
            n_sequences=1,
        )
        scheduler.submit(asked)
        while scheduler.has_work:
            scheduler.step()
        statuses = {record.status for record in asked.result.lookups}
        assert statuses > {"hit"}, "the text should meet hits and misses"
        assert len(seen) > 60
        for tokens, logits in seen:
            np.testing.assert_allclose(logits, _afresh(context, tokens), atol=TOLERANCE)


def _afresh(context: LlamaContext, tokens: list[int]) -> Logits:
    context.free(0)
    row = None
    for start in range(0, len(tokens), context.n_batch):
        part = tokens[start : start + context.n_batch]
        row = context.add(0, part, start, is_last=True)
        context.decode()
    assert row is not None
    return context.logits(row)
