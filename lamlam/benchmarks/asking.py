"""How long it takes to read what a text of 60 words asks memory, and what memory holds about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from lamlam.benchmarks.lookup import filled_store, questions_about, timed
from lamlam.errors import BadStore
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.wording.word_guide import WordGuide

_WORDS = 60
_MOST_SCANNED = 20_000
_FILLING = "the of in and was which is by a to with letter river had walked under old stone".split()


def asking_benchmark(
    facts: int, url: str | None = None, *, prompts: int = 300, seed: int = 0
) -> dict[str, Any]:
    """Return how long `WordGuide.read` and `facts_about` take for texts that name a stored fact.

    They have 60 words.

    Args:
        facts: how many invented facts memory is filled with.
        url: a store with facts, which is asked about the first ones it holds, in its stead.
        prompts: of each form.
        seed: of the choice of facts and words.

    Returns:
        ``read_us`` of all forms together and of each in ``by_form`` (``p50``, ``p99``); in
        ``asked`` the share of the prompts of a form whose words are found to ask for the fact;
        ``about_us`` and ``about_by_form`` likewise for `facts_about_nowait`, and in ``told`` the
        share of the texts about which the fact that was asked for is told.

    Raises:
        BadStore: the store holds nothing.
    """
    rng = random.Random(seed)
    with _memory(facts, url, seed, rng) as (store, questions):
        guide = WordGuide(store)
        by_form, about_by_form, asked, told, everything = {}, {}, {}, {}, []
        for form, write in FORMS.items():
            chosen = [rng.choice(questions) for _ in range(prompts)]
            texts = [write(one, questions, rng) for one in chosen]
            by_form[form] = timed(guide.read, texts)
            found = [guide.read(text) for text in texts]
            n_asked = sum(
                bool(read and read.relations and read.relations[0] == one.relation.casefold())
                for one, read in zip(chosen, found, strict=True)
            )
            asked[form] = round(n_asked / prompts, 3)
            about_by_form[form] = timed(store.facts_about_nowait, texts)
            n_told = sum(map(partial(_is_told, store), texts, chosen))
            told[form] = round(n_told / prompts, 3)
            everything += texts
        rng.shuffle(everything)
        return {
            "facts": facts if url is None else None,
            "read_us": timed(guide.read, everything),
            "by_form": by_form,
            "asked": asked,
            "about_us": timed(store.facts_about_nowait, everything),
            "about_by_form": about_by_form,
            "told": told,
        }


def _is_told(store: FactStore, text: str, one: Lookup) -> bool:
    key = (one.entity.casefold(), one.relation.casefold())
    facts = store.facts_about_nowait(text).facts
    return any((fact.entity.casefold(), fact.relation.casefold()) == key for fact in facts)


@contextmanager
def _memory(
    facts: int, url: str | None, seed: int, rng: random.Random
) -> Iterator[tuple[FactStore, Sequence[Lookup]]]:
    if url is None:
        with filled_store(facts, None, seed) as (store, _, _):
            yield store, questions_about(facts, seed, rng)
        return
    with SyncFactStore(url, read_only=True, create=False) as opened:
        first = islice(opened.scan(namespace=()), _MOST_SCANNED)
        questions = [Lookup(fact.entity, fact.relation) for fact in first]
        if not questions:
            raise BadStore(f"{url} holds no facts", hint="name a store that holds some")
        yield opened._opened(), questions


Write = Callable[[Lookup, Sequence[Lookup], random.Random], str]


def _filled_up(end: str, rng: random.Random) -> str:
    """Return a text of sixty words that ends so."""
    n = max(0, _WORDS - len(end.split()))
    words = [rng.choice(_FILLING) for _ in range(n)]
    return f"{' '.join(words).capitalize()}. {end}" if words else end


def _open(one: Lookup, _: Sequence[Lookup], rng: random.Random) -> str:
    return _filled_up(f"The {one.relation} of {one.entity} is", rng)


def _question(one: Lookup, _: Sequence[Lookup], rng: random.Random) -> str:
    return _filled_up(f"What is the {one.relation} of {one.entity}?", rng)


def _one_sentence(one: Lookup, _: Sequence[Lookup], rng: random.Random) -> str:
    return _filled_up(f"the {one.relation} of {one.entity} is", rng).replace(". ", ", ")


def _few_shot(one: Lookup, others: Sequence[Lookup], rng: random.Random) -> str:
    lines: list[str] = []
    while sum(len(line.split()) for line in lines) < _WORDS - 12:
        other = rng.choice(others)
        lines.append(f"Q: What is the {other.relation} of {other.entity}?\nA: {other.entity}\n")
    return f"{''.join(lines)}Q: What is the {one.relation} of {one.entity}?\nA:"


def _lower_case(one: Lookup, others: Sequence[Lookup], rng: random.Random) -> str:
    return _open(one, others, rng).casefold()


FORMS: dict[str, Write] = {
    "open": _open,
    "question": _question,
    "one_sentence": _one_sentence,
    "few_shot": _few_shot,
    "lower_case": _lower_case,
}
