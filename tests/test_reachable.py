"""A search for texts that would miss one would pass every test of erasure."""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.reachable import texts_in

CANARY = "zyx canary"


@dataclass(slots=True)
class Slotted:
    held: Any


class Plain:
    def __init__(self, held: Any) -> None:
        self.held = held

    def method(self) -> None: ...


def _closure(held: str) -> Any:
    return lambda: held


@pytest.mark.parametrize(
    "root",
    [
        CANARY,
        [CANARY],
        {CANARY: 1},
        {1: {2: (CANARY,)}},
        {frozenset({CANARY})},
        Slotted(CANARY),
        Plain(Slotted(deque([OrderedDict(a=CANARY)]))),
        Plain(CANARY).method,
        f"a {CANARY} b".encode(),
        bytearray(CANARY.encode()),
        array("b", CANARY.encode()),
        np.frombuffer(CANARY.encode(), np.uint8),
        _closure(CANARY),
        partial(print, CANARY),
        (one for one in [CANARY]),
    ],
    ids=lambda root: type(root).__name__,
)
def test_a_text_is_found_wherever_it_is(root: object) -> None:
    assert any(CANARY in text for text in texts_in(root))


def test_circles_end() -> None:
    one, two = Plain(CANARY), Plain(None)
    one.other, two.held = two, one  # type: ignore[attr-defined]
    assert CANARY in set(texts_in(two))
