"""What the held-out documents say about a model."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldOutFigures:
    """Teacher-forced figures: each token is predicted from the true text before it.

    Shares are None where there is nothing to count, as in a model without lookups.
    """

    step: int
    tokens: int
    """Tokens that the run had trained on, over all its sessions."""
    held_out_loss: float
    """In nats per token that training would learn: returned values are masked."""
    keys_right: float | None
    """Share of the keys whose every token is the likeliest: entity, relation and their ends."""
    lookups_opened: float | None
    """Share of the lookups at whose place ``<|db_entity|>`` is the likeliest token."""
    openings_due: float | None
    """Share of the places at which ``<|db_entity|>`` is the likeliest token that are a lookup's."""
    entities_right: float | None
    relations_right: float | None
    n_documents: int
    n_lookups: int
    n_keys: int
    """Lookups whose entity the text has named before: of these a key can be known."""
    evaluation_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return dataclasses.asdict(self)

    def log(self) -> None:
        """Write the figures as one line of the log."""
        log.info("step %d held out: %s", self.step, self.in_words())

    def in_words(self) -> str:
        """Return the figures as one line, without the step."""
        shares = [
            f"{name} {share:.0%}"
            for name, share in (
                ("keys", self.keys_right),
                ("opened", self.lookups_opened),
                ("openings due", self.openings_due),
                ("entities", self.entities_right),
                ("relations", self.relations_right),
            )
            if share is not None
        ]
        return ", ".join([*shares, f"loss {self.held_out_loss:.3f}"])
