"""Codes of near spellings: the short way of plain names gives those of the long way."""

from __future__ import annotations

import random

from lamlam.memory_backends.model.keys import fold
from lamlam.memory_backends.resolution.blocking_codes import index_codes, letters_code, typo_probes
from lamlam.memory_backends.resolution.person_names import person_tokens

WORDS = "ada quill moss sir dr king jr iii the of city x b2 9 st senior junior o'neil émile".split()


def _slow_codes(key: str) -> set[int]:
    folded = fold(key).key
    codes = typo_probes(folded)  # of several words those of the name itself
    if folded != key:
        codes.add(letters_code(folded))
    parts = person_tokens(folded)
    if parts is not None and (person := f"{parts.words[0]} {parts.words[-1]}") != folded:
        codes.add(letters_code(person))
    return codes


def test_plain_names_have_the_codes_of_the_long_way() -> None:
    """Whatever titles, articles and marks stand in them."""
    dice = random.Random(0)
    n_short = 0
    for _ in range(4000):
        key = " ".join(dice.choices(WORDS, k=dice.choice((2, 3, 3, 4))))
        if len(fold(key).key.split()) < 2:
            continue
        n_short += key.isascii() and key.count(" ") == 2
        assert index_codes(key) == _slow_codes(key), key
    assert n_short > 1000
