"""A generation whose caller steps the scheduler itself, without threads or events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.events import Event
    from lamlam.runtime.decoding.lookup_answers import PendingLookup
    from lamlam.runtime.decoding.settings import TextSettings
    from lamlam.runtime.scheduling.scheduler import Scheduler


class DirectRequest:
    """A generation request; its store must answer at once."""

    is_cancelled = False
    is_streamed = False

    def __init__(self, prompt: str, settings: TextSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.completion: Completion | None = None

    def send(self, events: list[Event]) -> None:
        """Ignore the events: the request is not streamed."""

    def ask(self, asked: PendingLookup) -> None:
        """Fail: a store that answers at once is never asked here."""
        raise AssertionError("the store answers at once")

    def finish(self, completion: Completion) -> None:
        """Keep the completion."""
        self.completion = completion

    def fail(self, error: BaseException) -> None:
        """Raise the error in the caller's `Scheduler.step`."""
        raise error


def write_text(scheduler: Scheduler, prompt: str, settings: TextSettings) -> Completion:
    """Return the completion of the prompt, written as the scheduler's only request."""
    request = DirectRequest(prompt, settings)
    scheduler.submit(request)
    while request.completion is None:
        scheduler.step()
    return request.completion
