"""One text with lookups: lamlam beside the way of the paper's code.

That code joins the text so far with the value after each lookup, tokenises and evaluates it
from its beginning. Both ways write the same tokens here; they sample all the same, so that the work is
that of real texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lamlam.benchmarks.bare_batch import BareBatch
from lamlam.benchmarks.one_value import VALUE, OneValue
from lamlam.evaluation.direct_request import write_text
from lamlam.lookup_tokens import END
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.runtime.llama.model_file import check_file

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import LlamaContext

N_TEXT, N_LOOKUPS = 200, 8
_TEXT = "The river rises in the hills above the town and flows through the valley to the sea. "
_ENTITY, _RELATION = " The Danube", " mouth of the watercourse"


class Script:
    """The tokens of a text with lookups, prompt first."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        lookup = vocabulary.lookup
        assert lookup is not None
        text = [*vocabulary.tokenize(_TEXT * 40)][:N_TEXT]
        self.prompt = _TEXT
        every = N_TEXT // N_LOOKUPS
        question = [
            lookup.entity, *vocabulary.tokenize(_ENTITY),
            lookup.relationship, *vocabulary.tokenize(_RELATION), lookup.return_,
        ]  # fmt: skip
        self.picks: list[int] = []
        """The tokens that are sampled; values come in between."""
        for start in range(0, N_TEXT, every):
            middle, end = start + every // 2, start + every
            self.picks += [*text[start:middle], *question, *text[middle:end]]
        self.return_ = lookup.return_
        self.end = min(vocabulary.eog_tokens)
        self.prompt_tokens = vocabulary.prompt_tokens(_TEXT)
        # The value in the lookup, and its copy in the text.
        self.value_text = f" {VALUE}{END} {VALUE}".encode()


def write_the_reference_way(bare: BareBatch, script: Script) -> list[int]:
    """Return the tokens of the text, all of it evaluated again after each lookup."""
    tokens, n_held = list(script.prompt_tokens), 0
    for pick in script.picks:
        bare.next_token(tokens[n_held:], n_held)  # the token that it would choose
        n_held = len(tokens)
        tokens.append(pick)
        if pick == script.return_:
            start = tokens[:1]  # the start-of-text token has no text
            tokens = start + bare.tokens(bare.text(tokens[1:]) + script.value_text)
            n_held = 0
    return tokens


class _ScriptSampler(Sampler):
    """Samples a token, and returns the script's instead."""

    def __init__(self, script: Script, n_tokens: int) -> None:
        super().__init__(SamplerSettings(), n_tokens)
        self._picks, self._end = iter(script.picks), script.end

    def pick(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        super().pick(logits, choice, history)
        return next(self._picks, self._end)


class Reciter:
    """Writes the script's text with lamlam's own scheduler."""

    def __init__(self, context: LlamaContext, vocabulary: Vocabulary) -> None:
        from lamlam.runtime.decoding.settings import TextSettings
        from lamlam.runtime.scheduling.scheduler import Scheduler

        self.script = script = Script(vocabulary)
        self._settings = TextSettings(max_tokens=1 << 20)
        self._scheduler = Scheduler(
            context,
            vocabulary,
            cast("FactStore", OneValue()),
            is_fast=True,
            constraint=None,
            n_sequences=1,
            make_sampler=lambda _, n_tokens: _ScriptSampler(script, n_tokens),
        )

    def write(self) -> Completion:
        """Return the text."""
        return write_text(self._scheduler, self.script.prompt, self._settings)


@contextmanager
def reciter(model: Path, *, context: int, threads: int) -> Iterator[Reciter]:
    """Open lamlam's way of writing the script."""
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import open_context, open_model

    with (
        open_model(check_file(model)) as opened,
        open_context(opened, context=context, n_sequences=1, n_batch=512, threads=threads) as cells,
    ):
        yield Reciter(cells, Vocabulary(opened))
