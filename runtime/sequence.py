"""One text in the context, and whom the scheduler deals with on its behalf."""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from typing import Protocol

from lamlam.runtime.answers import Answer, GivenOut, Query
from lamlam.runtime.completion import Completion
from lamlam.runtime.decoder import Decoder
from lamlam.runtime.events import Event
from lamlam.runtime.grounding import Grounding
from lamlam.runtime.policies import TextSettings
from lamlam.runtime.sampling import Logits, Sampler


class Evaluator(Protocol):
    """What the scheduler needs of a llama.cpp context; tests play token lists behind it."""

    n_batch: int
    n_context: int

    @property
    def room(self) -> int:
        """Tokens that still fit into the batch."""
        ...

    def add(
        self, sequence: int, tokens: Tokens[int], position: int, *, is_last: bool
    ) -> int | None:
        """Put tokens into the batch; return the row of the last one's logits if wanted."""
        ...

    def decode(self) -> None:
        """Evaluate the batch."""
        ...

    def logits(self, row: int) -> Logits:
        """Return a row of logits, valid until the next `decode`."""
        ...

    def keep(self, sequence: int, n_tokens: int) -> None:
        """Forget all but the first tokens of a sequence."""
        ...

    def clear(self, sequence: int) -> None:
        """Forget a sequence."""
        ...


class Request(Protocol):
    """One text that someone waits for. Called from the owner thread."""

    prompt: str
    settings: TextSettings
    is_cancelled: bool
    """Read at every token boundary."""
    wants_events: bool

    def tell(self, events: list[Event]) -> None:
        """Hand over what has happened since the last call."""
        ...

    def ask(self, query: Query) -> None:
        """Have a slow memory asked; `Scheduler.answer` takes the result."""
        ...

    def finish(self, completion: Completion) -> None:
        """The text is complete."""
        ...

    def fail(self, error: BaseException) -> None:
        """The text cannot be completed."""
        ...


class Sequence:
    """One text in the context."""

    def __init__(
        self,
        slot: int,
        request: Request,
        decoder: Decoder,
        sampler: Sampler,
        grounding: Grounding | None,
    ) -> None:
        self.slot = slot
        self.request = request
        self.decoder = decoder
        self.sampler = sampler
        self.grounding = grounding
        self.given = GivenOut()
        self.pending: list[int] = list(decoder.tokens)
        """Tokens that stand behind the sequence but are not evaluated yet."""
        self.n_evaluated = 0
        self.row: int | None = None
        """Row of the last batch that holds this sequence's logits."""
        self.restored: Logits | None = None
        """Logits that a rewind brought back, in place of a row."""
        self.opened: tuple[int, Logits] | None = None
        """(tokens before the open lookup, the logits behind them)."""
        self.is_parked = False
        self.miss: Answer | None = None
        """The miss for which a slow memory is asked again, for its nearest candidate."""
        self.candidate_score = 0.0
