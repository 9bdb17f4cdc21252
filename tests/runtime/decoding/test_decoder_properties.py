"""Whatever the model prefers, the format holds, and the decoder reads its own tokens right."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.sampling import Choice
from lamlam.runtime.decoding.spans import LookupRecord
from tests.runtime.support import BYTES, allowed, answered, drive, make_decoder, parse

SPECIAL = (BYTES.entity, BYTES.relationship, BYTES.return_, BYTES.end, 0)
POLICIES = ("continue", "ask_again", "unknown", "nearest", "stop", "raise")
values = st.text(min_size=1, max_size=12).filter(lambda text: _is_utf8(text) and bool(text.strip()))
answers = st.one_of(
    st.builds(lambda v: answered("hit", value=v, fact_id="f"), values),
    st.builds(lambda v: answered("nearest", value=v), values),
    st.just(answered("miss")),
    st.just(answered("ambiguous")),
)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Wild:
    """A model whose preferences are drawn: lookup tokens often, any other token sometimes."""

    def __init__(self, draws: list[int]) -> None:
        self.draws = draws
        self.at = 0

    def __call__(self, decoder: Decoder, choice: Choice) -> int:
        self.at += 1
        draw = self.draws[self.at % len(self.draws)] + self.at // len(self.draws)
        tokens = allowed(choice)
        special = [token for token in SPECIAL if token in tokens]
        if special and draw % 3 == 0:
            return special[draw // 3 % len(special)]
        return tokens[draw // 3 % len(tokens)]


@settings(max_examples=250)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    replies=st.lists(answers, min_size=1, max_size=6),
    prompt=st.text(max_size=8).filter(_is_utf8),
    policy=st.sampled_from(POLICIES),
    verbalise=st.sampled_from(["copy", "model"]),
    context=st.integers(48, 400),
    max_tokens=st.integers(1, 60),
    ignore_eos=st.booleans(),
)
def test_no_model_writes_a_malformed_lookup(
    draws: list[int],
    replies: list[LookupRecord],
    prompt: str,
    policy: str,
    verbalise: str,
    context: int,
    max_tokens: int,
    ignore_eos: bool,
) -> None:
    """Tokens always parse; text, values and spans are what a slow reader finds."""
    decoder = make_decoder(
        prompt,
        context=context,
        policy=policy,
        verbalise=verbalise,
        max_tokens=max_tokens,
        ignore_eos=ignore_eos,
    )
    asked: list[Lookup] = []

    def reply(query: Lookup) -> LookupRecord:
        asked.append(query)
        return replies[len(asked) % len(replies)]

    done = drive(decoder, Wild(draws), reply)
    assert all(query.entity and query.relation for query in asked)
    assert [(r.entity, r.relation) for r in decoder.records] == [
        (query.entity, query.relation) for query in asked
    ]
    assert len(decoder.tokens) <= context
    if done.reason == "lookup_failed":
        return
    completion = decoder.completion()
    _check_spans(completion.text, prompt, [(s.start, s.end, s.origin) for s in completion.spans])
    for span in completion.spans:
        if span.origin == "fact":
            assert completion.text[span.start : span.end] in {r.value for r in completion.lookups}
    if done.reason == "context":
        return  # a value that no longer fits is in the text, not in the tokens
    parsed = parse(decoder.tokens[1:], is_cut=done.reason != "stop")
    if done.reason != "miss":
        assert not parsed.leftover
    assert completion.text == parsed.text
    stood_in = "unknown" if policy == "unknown" else None
    assert parsed.lookups == [
        (record.entity, record.relation, (record.value or stood_in or "").strip())
        for record in completion.lookups
        if record.value or stood_in
    ]


def _check_spans(text: str, prompt: str, spans: list[tuple[int, int, str]]) -> None:
    at = 0
    for start, end, _ in spans:
        assert start == at and end > start
        at = end
    assert at == len(text)
    assert text.startswith(prompt)
    assert [origin for *_, origin in spans].count("prompt") == (1 if prompt else 0)


@settings(max_examples=100)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=30),
    value=values,
    verbalise=st.sampled_from(["copy", "model"]),
)
def test_a_stream_hands_out_the_text_as_it_will_be_judged(
    draws: list[int], value: str, verbalise: str
) -> None:
    """Pieces taken at any time join to the text, with the origins of the final spans."""
    decoder = make_decoder("P", verbalise=verbalise, max_tokens=40)
    pieces: list[tuple[str, str]] = []

    class Watched(Wild):
        def __call__(self, decoder: Decoder, choice: Choice) -> int:
            pieces.extend((t.text, t.origin) for t in decoder.output.take_unsent())
            return super().__call__(decoder, choice)

    drive(decoder, Watched(draws), lambda query: answered("hit", value=value))
    pieces.extend((t.text, t.origin) for t in decoder.output.take_unsent(final=True))
    letters = [(letter, origin) for text, origin in pieces for letter in text]
    completion = decoder.completion()
    assert letters == [
        (letter, span.origin)
        for span in completion.spans[1:]
        for letter in completion.text[span.start : span.end]
    ]
