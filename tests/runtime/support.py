"""What the runtime's tests share: a byte vocabulary, and ways to drive a decoder."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.decoding.actions import Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.events import Event
from lamlam.runtime.decoding.logprobs import Scored
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.sampling import Choice
from lamlam.runtime.decoding.settings import GenerateKeywords, TextSettings, text_settings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.token_masks import TokenMasks
from lamlam.runtime.decoding.vocabulary import Vocabulary
from tests.tiny_model import ByteTokens

BYTES = ByteTokens()
SCORED = Scored(-1.0, ())
"""How likely every token is that `drive` has chosen."""


@cache
def byte_vocabulary() -> Vocabulary:
    """The vocabulary of bytes and lookup tokens."""
    return Vocabulary(BYTES)


@cache
def _masks() -> TokenMasks:
    return TokenMasks(byte_vocabulary())


def make_decoder(
    prompt: str, *, context: int = 512, may_look: bool = True, **options: object
) -> Decoder:
    """A decoder over bytes."""
    keywords: GenerateKeywords = options  # type: ignore[assignment]  # passed on as they come
    settings = text_settings(dict(keywords), verbalise="copy", lookup_bias=0.0)
    return Decoder(
        byte_vocabulary(), _masks(), settings, prompt, context=context, may_look=may_look
    )


def allowed(choice: Choice, n_tokens: int = BYTES.n_tokens) -> list[int]:
    """The tokens that a choice leaves."""
    scores = np.zeros(n_tokens)
    scores[choice.forbidden] = 1
    if choice.allowed is not None:
        scores[np.setdiff1d(np.arange(n_tokens), choice.allowed)] = 1
    return [int(token) for token in np.flatnonzero(scores == 0)]


def drive(
    decoder: Decoder,
    pick: Callable[[Decoder, Choice], int],
    answer: Callable[[Lookup], LookupRecord],
    *,
    max_steps: int = 5000,
) -> Done:
    """Run a decoder to its end and return the end."""
    for _ in range(max_steps):
        match decoder.action:
            case Sample(choice):
                token = pick(decoder, choice)
                assert token in allowed(choice), "the driver chose a forbidden token"
                decoder.sampled(token, SCORED if decoder.needs_score else None)
            case Force():
                decoder.forced()
            case Rewind():
                decoder.rewound()
            case Look(query):
                decoder.answered(answer(query))
            case Done() as done:
                return done
        if decoder.key_to_guide:
            decoder.guide(None)
    raise AssertionError("the decoder does not end")


def answered(status: str, value: str | None = None, **more: Any) -> LookupRecord:
    """How memory answers a lookup; the decoder fills its names in."""
    return LookupRecord("", "", LookupStatus(status), value, **more)


def pick_from(script: Iterable[int]) -> Callable[[Decoder, Choice], int]:
    """Choose the tokens of a script one after the other, then end the text."""
    tokens = iter(script)
    return lambda decoder, choice: next(tokens, 0)


@dataclass(frozen=True)
class Parsed:
    """What a token list says, read the slow, obvious way."""

    text: str
    lookups: list[tuple[str, str, str]]
    """(entity, relation, value), stripped."""
    leftover: bool
    """True where a lookup is open at the end."""


def parse(tokens: Iterable[int], *, is_cut: bool = False) -> Parsed:
    """Read byte tokens with a regular expression; each lookup token is one letter above U+0100."""
    letters = "".join(
        chr(token - 1) if 1 <= token <= 256 else chr(0x100 + token) for token in tokens
    )
    entity, relation, answer, end = (
        chr(0x100 + token) for token in (BYTES.entity, BYTES.relationship, BYTES.return_, BYTES.end)
    )
    pattern = re.compile(
        f"{entity}([^\u0100-\uffff]*){relation}([^\u0100-\uffff]*){answer}([^\u0100-\uffff]*){end}"
    )
    lookups = [
        tuple(part.encode("latin-1").decode("utf-8", "replace").strip() for part in found)
        for found in pattern.findall(letters)
    ]
    visible = pattern.sub("", letters)
    open_at = visible.find(entity)
    if open_at >= 0:
        visible = visible[:open_at]
    # Fails on a stray lookup token; where the text was cut off amid a character, that is left out.
    text = codecs.utf_8_decode(visible.encode("latin-1"), "replace", not is_cut)[0]
    return Parsed(text, [(e, r, v) for e, r, v in lookups], open_at >= 0)


@dataclass
class Asked:
    """A request that records its events."""

    prompt: str
    settings: TextSettings
    is_streamed: bool = False
    is_cancelled: bool = False
    events: list[Event] = field(default_factory=list)
    questions: list[PendingLookup] = field(default_factory=list)
    completion: Completion | None = None
    error: BaseException | None = None

    def send(self, events: list[Event]) -> None:
        self.events += events

    def ask(self, asked: PendingLookup) -> None:
        self.questions.append(asked)

    def finish(self, completion: Completion) -> None:
        self.completion = completion

    def fail(self, error: BaseException) -> None:
        self.error = error

    @property
    def result(self) -> Completion:
        assert self.completion is not None, self.error
        return self.completion
