"""A running sequence, and the protocols of the scheduler: `InferenceContext` and `Request`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.events import Event
from lamlam.runtime.decoding.lookup_answers import GivenOut, PendingLookup
from lamlam.runtime.decoding.sampling import Logits, Sampler
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.scheduling.guidance import Guidance
from lamlam.runtime.wording.prompt_form import Form, last_sentence

if TYPE_CHECKING:
    from lamlam.runtime.decoding.vocabulary import ChatPrompt


class InferenceContext(Protocol):
    """A llama.cpp context as the scheduler uses it; tests implement it by token lists."""

    n_batch: int
    n_context: int
    """Tokens of one sequence."""
    n_cells: int
    """Tokens of all sequences together."""
    unified_kv: bool
    """All sequences share the cells of the KV cache; false if each has its own."""
    can_truncate: bool
    """`truncate` works; false for models that can only forget a whole sequence."""

    @property
    def free_tokens(self) -> int:
        """Tokens that still fit into the batch."""
        ...

    def add(
        self, sequence: int, tokens: Sequence[int], position: int, *, is_last: bool
    ) -> int | None:
        """Add tokens to the batch; return the row of the last one's logits if ``is_last``."""
        ...

    def decode(self) -> None:
        """Evaluate the batch."""
        ...

    def logits(self, row: int) -> Logits:
        """Return a row of logits, valid until the next `decode`."""
        ...

    def truncate(self, sequence: int, n_tokens: int) -> None:
        """Remove all but the first tokens of a sequence from the KV cache."""
        ...

    def free(self, sequence: int) -> None:
        """Remove a sequence from the KV cache."""
        ...

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """Copy the first tokens of a sequence to an empty one."""
        ...


class Request(Protocol):
    """A generation request, as the scheduler uses it in the owner thread."""

    @property
    def prompt(self) -> str | ChatPrompt:
        """The prompt text, or a conversation to be answered."""
        ...

    settings: TextSettings
    is_cancelled: bool
    """Read at every token boundary."""
    is_streamed: bool

    def send(self, events: list[Event]) -> None:
        """Send what has happened since the last call."""
        ...

    def ask(self, asked: PendingLookup) -> None:
        """Start a lookup in a slow memory; `Scheduler.answer` takes the result."""
        ...

    def finish(self, completion: Completion) -> None:
        """Complete the request."""
        ...

    def fail(self, error: BaseException) -> None:
        """Fail the request."""
        ...


class RunningSequence:
    """One sequence in the context: its request, its decoder and what is evaluated of it."""

    def __init__(
        self,
        request: Request,
        decoder: Decoder,
        sampler: Sampler,
        guidance: Guidance,
    ) -> None:
        self.request = request
        self.memory = guidance.memory
        self.slot = -1
        """Number of the sequence in the context, once it has a slot there."""
        self.age = 0
        """Its number among all sequences that were admitted."""
        self.decoder = decoder
        self.sampler = sampler
        self.key_constraint = guidance.key_constraint
        self.word_guide = guidance.word_guide
        self.is_prompt_read = False
        """The words of the prompt were asked what they ask for."""
        self.asked_among: tuple[str, ...] = ()
        """Relations that the words ask for equally, until the model has chosen."""
        self.form: Form | None = None
        """In which form they ask, once that was read."""
        self.given = GivenOut()
        self.pending: list[int] = list(decoder.tokens)
        """Tokens of the sequence that are not evaluated yet."""
        self.n_evaluated = 0
        self.row: int | None = None
        """Row of the last batch that holds this sequence's logits."""
        self.restored: Logits | None = None
        """Logits kept from an earlier batch, in place of a row."""
        self.opened: tuple[int, Logits] | None = None
        """(tokens before the open lookup, the logits behind them)."""
        self.asked: PendingLookup | None = None
        """The last lookup in a slow memory, until its answer is used."""
        self.awaits_lookup = False
        self.is_preempted = False
        """Its cells were freed for others; it is evaluated again later."""
        self.miss: LookupRecord | None = None
        """The miss after which a slow memory is asked for the nearest candidate."""
        self.candidate_score = 0.0

    def form_of_prompt(self) -> Form:
        """Return the form in which the prompt asks; "open" where it does not ask."""
        if self.form is not None:
            return self.form
        sentence = last_sentence(self.decoder.output.text, ())
        return "open" if sentence is None else sentence.form

    @property
    def reusable_prefix(self) -> list[int]:
        """Evaluated tokens before the first lookup; values of memory are not cached."""
        tokens = self.decoder.tokens[: self.n_evaluated]
        lookup = self.decoder.vocabulary.lookup
        if lookup is not None and lookup.entity in tokens:
            del tokens[tokens.index(lookup.entity) :]
        return tokens

    def n_expected(self, *, may_look: bool) -> int:
        """Return how many tokens it is expected to hold."""
        settings = self.request.settings
        # A lookup takes some 16 tokens, and there are rarely fewer tokens of text between two.
        n_lookup = min(settings.max_tokens, settings.max_lookup_tokens) if may_look else 0
        return self.decoder.n_prompt_tokens + settings.max_tokens + n_lookup

    def rewind(self, to: int, evaluator: InferenceContext) -> None:
        """Truncate the sequence to its first ``to`` tokens, with the logits after the last."""
        self.pending.clear()
        self.row = None
        self.asked = None  # for what is cut off; it may come again much later
        opened = self.opened
        if opened is not None and opened[0] == to:
            self.restored = opened[1]
            n_cached = to
        else:
            # One token is evaluated again, for its logits.
            n_cached = to - 1
            self.restored = None
        n_cached = min(n_cached, self.n_evaluated)
        self.pending.extend(self.decoder.tokens[n_cached:to])
        if n_cached < self.n_evaluated:
            evaluator.truncate(self.slot, n_cached)
            self.n_evaluated = n_cached

    def pause(self) -> None:
        """Mark all tokens as not evaluated, after the cells were freed."""
        self.is_preempted = True
        if not self.awaits_lookup:
            self.asked = None  # prefetched; the answer may be old when the sequence goes on
        self.pending = list(self.decoder.tokens)
        self.n_evaluated = 0
        self.row = None
