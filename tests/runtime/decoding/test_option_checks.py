"""Every option is checked by its name, before anything runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lamlam.errors import UnknownOption, UsageError
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.settings import TextSettings, text_settings
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine

NOT_NUMBERS: tuple[Any, ...] = ("hot", math.nan, math.inf, -math.inf, True, [1.0], 1j)
NOT_WHOLE: tuple[Any, ...] = ("x", True, 1.5, -2, math.nan)


def settings(**options: Any) -> TextSettings:
    return text_settings(options, verbalise="copy", lookup_bias=0.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((n, v) for n in ("temperature", "top_p", "min_p", "repeat_penalty") for v in NOT_NUMBERS),
        *(("lookup_bias", value) for value in NOT_NUMBERS),
        *((n, v) for n in ("max_tokens", "max_lookups", "max_lookup_tokens") for v in NOT_WHOLE),
        *(("seed", value) for value in NOT_WHOLE),
        *(("logprobs", value) for value in (*NOT_WHOLE, 21)),
        ("stop", 5), ("stop", [5]), ("stop", ""), ("stop", b"end"), ("stop", [""]),
        ("ignore_eos", "no"), ("ignore_eos", 1),
    ],
)  # fmt: skip
def test_values_of_a_text(name: str, value: object) -> None:
    """Each is refused with the name of its keyword."""
    with pytest.raises(UsageError, match=name):
        settings(**{name: value})


@pytest.mark.parametrize("name", ["policy", "verbalise"])
@pytest.mark.parametrize("value", ["zz", 5, True])
def test_choices_of_a_text(name: str, value: object) -> None:
    """A choice that does not exist is an unknown option."""
    with pytest.raises(UnknownOption, match=name):
        settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        *(("max_completion_tokens", "write max_tokens"), ("stream", "use stream or stream_chat")),
        *(("tools", "option of chat and stream_chat"), ("max_tokns", "did you mean 'max_tokens'")),
    ],
)
def test_options_of_other_libraries_have_their_own_hint(name: str, hint: str) -> None:
    """What they are called here, not the name that is spelt most alike."""
    with pytest.raises(UnknownOption, match=f"unknown option '{name}'") as caught:
        settings(**{name: 5})
    assert hint in (caught.value.hint or "")


def test_what_makes_sense_is_taken() -> None:
    """Whole numbers where fractions may stand, and numbers of numpy."""
    taken = settings(
        temperature=1, top_p=np.float32(0.5), lookup_bias=np.float64(-3), seed=0, stop=("a", "b")
    )
    assert (taken.sampler.temperature, taken.sampler.seed) == (1, 0)
    assert (taken.lookup_bias, taken.stop) == (-3, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((n, v) for n in ("threads", "context", "gpu_layers", "max_sequences", "batch")
          for v in NOT_WHOLE),
        *(("lookup_bias", value) for value in NOT_NUMBERS),
        ("constrain", "x"), ("constrain", 0.5),
        ("verbalise", "zz"), ("verbalise", True),
        ("plain", "no"), ("verbose", 1),
        ("model", 5), ("memory", 5),
    ],
)  # fmt: skip
def test_options_of_an_engine(name: str, value: object) -> None:
    """Refused before anything is opened, by both engines."""
    options: dict[str, Any] = {"model": "none.gguf", "memory": None, name: value}
    for kind in (Engine, SyncEngine):
        with pytest.raises(UsageError, match=name):
            kind(**options)


@pytest.mark.parametrize("name", ["entity_floor", "relation_floor", "skip_stated"])
def test_how_keys_are_drawn(name: str) -> None:
    """A `Constraint` is checked when it is made."""
    wrong: dict[str, Any] = {name: "x"}
    with pytest.raises(UsageError, match=name):
        Constraint(**wrong)
