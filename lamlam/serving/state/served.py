"""`Served`: what all parts of one server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamlam.access_keys import Access
from lamlam.answering.jobs import has_chat_template
from lamlam.errors import UsageError
from lamlam.lookup_tokens import ENTITY
from lamlam.serving.state.metrics import ServerMetrics
from lamlam.serving.state.settings import ServerSettings
from lamlam.serving.state.traffic import Traffic
from lamlam.serving.texts.pacing import Pace

if TYPE_CHECKING:
    from lamlam.access_keys import AccessKeys
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.engine import Engine


@dataclass(slots=True)
class Served:
    """An open engine and its open memory, with what the server knows of its clients."""

    engine: Engine
    model: str
    """The name by which clients ask for it."""
    store: FactStore | None
    settings: ServerSettings
    at_a_time: int
    """Generations that run together."""
    keys: AccessKeys | None = None
    """Without keys any client on this machine may do everything."""
    open_access: Access = field(default_factory=Access)
    metrics: ServerMetrics = field(default_factory=ServerMetrics)
    pace: Pace = field(default_factory=Pace)
    traffic: Traffic = field(init=False)

    def __post_init__(self) -> None:
        """Start the counts."""
        if self.settings.has_keys != (self.keys is not None):
            raise UsageError("has_keys of the settings must say whether there are keys")
        most = self.at_a_time + self.settings.max_waiting
        self.traffic = Traffic(most, self.at_a_time)

    @property
    def is_chat(self) -> bool:
        """The model has a chat template."""
        return has_chat_template(self.engine)

    @property
    def asks_memory(self) -> bool:
        """The model has lookup tokens."""
        return ENTITY in self.engine.metadata["tokenizer.ggml.tokens"]

    @property
    def may_write(self) -> bool:
        """The memory takes changes, from whom it may."""
        return self.store is not None and not getattr(self.store, "read_only", False)
