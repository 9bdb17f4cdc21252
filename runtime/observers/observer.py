"""Observers see what happens in each generation, and never disturb it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lamlam.blocks import OnlyAsyncFor
from lamlam.errors import EngineElsewhere, StreamInUse
from lamlam.runtime.decoding.events import Event, EventSource, Finished
from lamlam.runtime.decoding.settings import TextSettings

if TYPE_CHECKING:
    from typing import Self

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BegunText:
    """A generation before its first token."""

    kind: Literal["text", "chat"]
    prompt: str | tuple[dict[str, Any], ...]
    """The prompt, or the messages of a conversation."""
    settings: TextSettings
    model: str
    """File name, or ``bundled``."""
    memory: str | None
    """URL without user, password and options, or the class of a store that was given open."""


class TextObserver(Protocol):
    """Observes one generation; exactly one of the last three methods is called at its end."""

    def saw(self, event: Event) -> None:
        """Take an event that the reader of the generation was given."""
        ...

    def finished(self, event: Finished) -> None:
        """End: the generation is complete."""
        ...

    def failed(self, error: BaseException) -> None:
        """End: the generation has failed."""
        ...

    def left(self) -> None:
        """End: the reader left before the end."""
        ...


class Observer(Protocol):
    """Observes all generations of an engine; called on the event loop, so it must be fast."""

    def begin(self, begun: BegunText) -> TextObserver:
        """Return an observer of a generation that begins."""
        ...


class ObservedEvents(OnlyAsyncFor):
    """The events of one generation, which observers see as they are read."""

    def __init__(
        self, events: EventSource, begun: BegunText, observers: Iterable[Observer]
    ) -> None:
        self._events = events
        self._is_over = False
        self._text_observers: list[TextObserver] = []
        for observer in observers:
            with _unharmed():
                self._text_observers.append(observer.begin(begun))

    def leave(self) -> None:
        """End the generation, since its reader leaves."""
        self._events.leave()
        self._end(lambda observer: observer.left())

    def end(self, error: BaseException) -> bool:
        """End the generation, since the engine is being closed."""
        was_open = self._events.end(error)
        self._end(lambda one: one.failed(error) if was_open else one.left())
        return was_open

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._events.__anext__()
        except (StopAsyncIteration, EngineElsewhere, StreamInUse):
            raise  # nothing happened to the generation, which has another reader
        except Exception as error:
            failure = error
            self._end(lambda observer: observer.failed(failure))
            raise
        if isinstance(event, Finished):
            end = event
            self._end(lambda observer: observer.finished(end))
        elif not self._is_over:
            for observer in self._text_observers:
                with _unharmed():
                    observer.saw(event)
        return event

    def _end(self, call: Callable[[TextObserver], None]) -> None:
        if self._is_over:
            return
        self._is_over = True
        for observer in self._text_observers:
            with _unharmed():
                call(observer)


@contextmanager
def _unharmed() -> Generator[None]:
    """Log what an observer raises, and go on."""
    try:
        yield
    except Exception:
        _LOG.exception("an observer of a generation has failed; the generation goes on")
