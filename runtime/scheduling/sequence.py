"""One text in the context, and whom the scheduler deals with on its behalf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.events import Event
from lamlam.runtime.decoding.key_constraint import KeyConstraint
from lamlam.runtime.decoding.lookup_answers import GivenOut, PendingLookup
from lamlam.runtime.decoding.sampling import Logits, Sampler
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.spans import LookupRecord

if TYPE_CHECKING:
    from lamlam.runtime.decoding.vocabulary import ChatPrompt


class Evaluator(Protocol):
    """What the scheduler needs of a llama.cpp context; tests play token lists behind it."""

    n_batch: int
    n_context: int
    """Tokens of one sequence."""
    n_cells: int
    """Tokens of all sequences together."""
    unified_kv: bool
    """Sequences take their cells from one store; false where each has its own."""
    can_truncate: bool
    """`truncate` can shorten a sequence; false where a model can only forget all of it."""

    @property
    def free_tokens(self) -> int:
        """Tokens that still fit into the batch."""
        ...

    def add(
        self, sequence: int, tokens: Sequence[int], position: int, *, is_last: bool
    ) -> int | None:
        """Put tokens into the batch; return the row of the last one's logits if wanted."""
        ...

    def decode(self) -> None:
        """Evaluate the batch."""
        ...

    def logits(self, row: int) -> Logits:
        """Return a row of logits, valid until the next `decode`."""
        ...

    def truncate(self, sequence: int, n_tokens: int) -> None:
        """Forget all but the first tokens of a sequence."""
        ...

    def free(self, sequence: int) -> None:
        """Forget a sequence."""
        ...

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """Give an empty sequence the first tokens of another."""
        ...


class Request(Protocol):
    """One text that someone waits for. Called from the owner thread."""

    @property
    def prompt(self) -> str | ChatPrompt:
        """What the text begins with, or a conversation to be answered."""
        ...

    settings: TextSettings
    is_cancelled: bool
    """Read at every token boundary."""
    is_streamed: bool

    def send(self, events: list[Event]) -> None:
        """Hand over what has happened since the last call."""
        ...

    def ask(self, asked: PendingLookup) -> None:
        """Have a slow memory asked; `Scheduler.answer` takes the result."""
        ...

    def finish(self, completion: Completion) -> None:
        """The text is complete."""
        ...

    def fail(self, error: BaseException) -> None:
        """The text cannot be completed."""
        ...


class RunningSequence:
    """One text in the context."""

    def __init__(
        self,
        request: Request,
        decoder: Decoder,
        sampler: Sampler,
        key_constraint: KeyConstraint | None,
    ) -> None:
        self.request = request
        self.slot = -1
        """The sequence's number in the context, once it has a place there."""
        self.age = 0
        """Its turn among all that were given a place."""
        self.decoder = decoder
        self.sampler = sampler
        self.key_constraint = key_constraint
        self.given = GivenOut()
        self.pending: list[int] = list(decoder.tokens)
        """Tokens that stand behind the sequence but are not evaluated yet."""
        self.n_evaluated = 0
        self.row: int | None = None
        """Row of the last batch that holds this sequence's logits."""
        self.restored: Logits | None = None
        """Logits kept from an earlier batch, in place of a row."""
        self.opened: tuple[int, Logits] | None = None
        """(tokens before the open lookup, the logits behind them)."""
        self.asked: PendingLookup | None = None
        """What a slow memory was asked last, as long as its answer is not used."""
        self.is_parked = False
        self.is_paused = False
        """Its cells were given to others; it is evaluated again when there is room."""
        self.miss: LookupRecord | None = None
        """The miss for which a slow memory is asked again, for its nearest candidate."""
        self.candidate_score = 0.0

    @property
    def evaluated(self) -> list[int]:
        """Tokens that the context holds of it, values that memory gave not among them."""
        tokens = self.decoder.tokens[: self.n_evaluated]
        lookup = self.decoder.vocabulary.lookup
        if lookup is not None and lookup.entity in tokens:
            del tokens[tokens.index(lookup.entity) :]
        return tokens

    def n_expected(self, *, may_look: bool) -> int:
        """Return how many tokens it will hold, as far as that can be foreseen."""
        settings = self.request.settings
        # A lookup takes some 16 tokens and stands beside as many of text, seldom less.
        n_lookup = min(settings.max_tokens, settings.max_lookup_tokens) if may_look else 0
        return self.decoder.n_prompt_tokens + settings.max_tokens + n_lookup

    def pause(self) -> None:
        """Nothing of it is held; all its tokens wait to be evaluated."""
        self.is_paused = True
        if not self.is_parked:
            self.asked = None  # asked ahead; what it says may be old when the text goes on
        self.pending = list(self.decoder.tokens)
        self.n_evaluated = 0
        self.row = None
