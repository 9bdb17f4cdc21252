"""A scripted model and a scheduler around it."""

from __future__ import annotations

from typing import Any

from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import FAST, FakeStore, as_store
from tests.runtime.support import BYTES, Asked, byte_vocabulary
from tests.tiny_model import ScriptedModel

E, R, A, END = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>", "<|db_end|>"


CURIE = {"marie curie": {"birth place": ["Warsaw"], "child": ["Irène", "Ève"]}}


class Continuations:
    """A model that knows how texts go on: the longest beginning that fits decides."""

    def __init__(self, *texts: str) -> None:
        self.texts = [[0, *BYTES.encode(text), 0] for text in texts]

    def __call__(self, tokens: list[int]) -> int:
        for text in self.texts:
            if text[: len(tokens)] == tokens and len(tokens) < len(text):
                return text[len(tokens)]
        return 1 + ord("?")


def scheduler_of(model: ScriptedModel, store: FakeStore | None, **options: Any) -> Scheduler:
    return Scheduler(
        model,
        byte_vocabulary(),
        as_store(store) if store else None,
        is_fast=store is not None and store.capabilities == FAST,
        constraint=options.get("constraint"),
        n_sequences=options.get("n_sequences", 1),
    )


def run(
    model: ScriptedModel,
    store: FakeStore | None,
    prompt: str,
    *,
    is_streamed: bool = False,
    constraint: Constraint | None = None,
    **keywords: Any,
) -> Asked:
    settings = text_settings(keywords, verbalise="copy", lookup_bias=0.0)
    asked = Asked(prompt, settings, is_streamed)
    scheduler = scheduler_of(model, store, constraint=constraint)
    scheduler.submit(asked)
    for _ in range(1000):
        if not scheduler.has_work:
            break
        scheduler.step()
    assert not model.cells, "the sequence was not freed"
    return asked


BORN = f"Marie Curie was born in{E} Marie Curie{R} birth place{A} Warsaw{END} Warsaw, Poland."
