"""Stop strings: found across tokens, never in values, and never handed out first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import UsageError
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.events import Finished, Text
from lamlam.runtime.decoding.sampling import Choice
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.sync import SyncEngine
from tests.runtime.decoding.test_decoder_properties import Wild, answers
from tests.runtime.support import BYTES, answered, drive, make_decoder, pick_from

E, R, A = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>"
LOOKUP = f"{E} Ada{R} child{A}"
STOPS = st.lists(st.text("abé1 ", min_size=1, max_size=4), min_size=1, max_size=3)


def written(script: str, value: str | None, **options: Any) -> Decoder:
    """A decoder that has written the script, each lookup answered with the value."""
    decoder = make_decoder("P", **options)
    answer = answered("miss") if value is None else answered("hit", value=value, fact_id="f")
    drive(decoder, pick_from(BYTES.encode(script)), lambda query: answer)
    return decoder


def test_a_stop_string_is_found_across_tokens() -> None:
    """Here every byte is a token; the earliest of several decides, and it is cut off."""
    decoder = written("one é\n\nQ: two", None, stop=["Q:", "\n\n"])
    done = decoder.completion()
    assert (done.text, done.finish_reason) == ("Pone é", "stop_string")
    assert written("xabcd", None, stop=["abcd", "c"]).completion().text == "Pxab"
    assert written("xab", None, stop="abc").completion().text == "Pxab", "only the beginning"


@pytest.mark.parametrize("stop", ["rsa", "Warsaw", "w", " Warsaw", "d W", "w."])
@pytest.mark.parametrize("verbalise", ["copy", "model"])
def test_values_never_stop_a_text(stop: str, verbalise: str) -> None:
    """Also one that the model writes, and where the string only begins or ends in it."""
    after = " Warsaw" if verbalise == "model" else ""
    decoder = written(f"had{LOOKUP}{after}. End", "Warsaw", stop=stop, verbalise=verbalise)
    assert decoder.completion().text == "Phad Warsaw. End"


@pytest.mark.parametrize("verbalise", ["copy", "model"])
def test_the_word_that_stands_in_for_a_value_does_not_either(verbalise: str) -> None:
    """``unknown`` is handed out as a value is, and stays."""
    after = " unknown" if verbalise == "model" else ""
    decoder = written(
        f"had{LOOKUP}{after}. knot", None, stop="kno", policy="unknown", verbalise=verbalise
    )
    assert decoder.completion().text == "Phad unknown. "


def test_what_only_began_like_the_value_is_text() -> None:
    """A stop string in it counts, at the latest at the end of the text."""
    rewritten = written(f"had{LOOKUP} Warsimow", "Warsaw", stop="ars", verbalise="model")
    assert rewritten.completion().text == "Phad W"
    ended = written(f"had{LOOKUP} Wars", "Warsaw", stop="ars", verbalise="model")
    assert (ended.completion().text, ended.completion().finish_reason) == ("Phad W", "stop_string")
    longer = written(f"had{LOOKUP} Wars{LOOKUP} x", "Warsaw", stop="ars", verbalise="model")
    assert longer.completion().text == "Phad W"
    assert len(longer.records) == 1


def test_what_is_no_stop_string_is_refused() -> None:
    """Empty ones would stop every text at once."""
    for wrong in ("", ["a", ""], 5, [b"a"]):
        with pytest.raises(UsageError, match="stop"):
            text_settings({"stop": wrong}, verbalise="copy", lookup_bias=0.0)
    assert text_settings({"stop": []}, verbalise="copy", lookup_bias=0.0).stop == ()


@settings(max_examples=400)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    replies=st.lists(
        st.one_of(answers, st.builds(lambda v: answered("hit", value=v), STOPS.map("".join))),
        min_size=1,
        max_size=4,
    ).filter(lambda found: all(a.value is None or a.value.strip() for a in found)),
    stop=STOPS,
    policy=st.sampled_from(["continue", "unknown", "stop", "nearest", "ask_again"]),
    verbalise=st.sampled_from(["copy", "model"]),
    letters=st.text("abé1 ", min_size=1, max_size=60),
    every=st.integers(1, 5),
    context=st.integers(60, 400),
)
def test_nothing_is_handed_out_and_taken_back(
    draws: list[int],
    replies: list[LookupRecord],
    stop: list[str],
    policy: str,
    verbalise: str,
    letters: str,
    every: int,
    context: int,
) -> None:
    """Pieces taken at any time join to the finished text; what the model wrote has no stop."""
    decoder = make_decoder(
        "P", stop=stop, policy=policy, verbalise=verbalise, max_tokens=40, context=context
    )
    pieces: list[str] = []
    told = [BYTES.encode(letter)[0] for letter in letters]
    wild = Wild(draws)
    n = 0

    def pick(decoder: Decoder, choice: Choice) -> int:
        nonlocal n
        n += 1
        if n % every == 0:
            pieces.extend(text.text for text in decoder.output.take_unsent(decoder.settings.stop))
        token = told[n % len(told)]
        return token if n % 7 and token not in choice.forbidden else wild(decoder, choice)

    done = drive(decoder, pick, lambda query: replies[len(query.relation) % len(replies)])
    pieces.extend(text.text for text in decoder.output.take_unsent(final=True))
    text = decoder.completion().text
    assert "".join(pieces) == text[1:]
    if not decoder.records:
        assert not any(one in text[1:] for one in stop)
        assert (done.reason == "stop_string") or decoder.n_text_tokens <= 40


def test_a_stream_of_a_real_model_is_its_text(tiny_model: Path) -> None:
    """Every stop string that the random model would have written is cut off in both ways."""
    with SyncEngine(tiny_model, None, threads=1) as engine:
        whole = engine.generate("Ada", max_tokens=40, ignore_eos=True).text
        for start in range(5, len(whole) - 3, 4):
            stop = whole[start : start + 2]
            done = engine.generate("Ada", max_tokens=40, ignore_eos=True, stop=[stop, "\0\0\0"])
            with engine.stream("Ada", max_tokens=40, ignore_eos=True, stop=stop) as events:
                told = list(events)
            assert done.text == whole[: whole.index(stop, 3)]
            assert "".join(one.text for one in told if isinstance(one, Text)) == done.text[3:]
            assert isinstance(told[-1], Finished) and told[-1].completion.text == done.text
