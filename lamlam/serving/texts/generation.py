"""`GenerationAnswer`: runs one job and sends what it gives, for as long as the client is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import anyio
from starlette.responses import Response

from lamlam.answering.jobs import Job
from lamlam.answering.written_text import WrittenText
from lamlam.runtime.decoding.events import Event, Finished
from lamlam.serving.answers.refusals import Refusal, refusal_of
from lamlam.serving.gate.bodies import Receive, Scope, Send
from lamlam.serving.gate.gate import send_refusal, stopping
from lamlam.serving.texts.pacing import PacedEvents

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # or a proxy keeps the text until it is complete
]


class Encoder(Protocol):
    """How a stream of events is written in one of the shapes of OpenAI's API."""

    def begin(self) -> bytes:
        """Return what comes before the first piece of text."""
        ...

    def pieces(self, events: Iterable[Event]) -> bytes:
        """Return what some events say; empty where they say nothing to the client."""
        ...

    def end(self, written: WrittenText) -> bytes:
        """Return what comes after the last piece of text."""
        ...

    def failed(self, refusal: Refusal) -> bytes:
        """Return how the client learns that no more comes."""
        ...


class GenerationAnswer(Response):
    """The answer to a request for texts.

    The engine begins before the first byte is sent, so that a full queue, a prompt that is too
    long and all other errors have a status of their own. A client that goes away ends the
    generation; so does the limit of time.
    """

    def __init__(
        self,
        served: Served,
        jobs: list[Job],
        *,
        answer: Callable[[list[WrittenText]], bytes],
        encoder: Encoder | None = None,
    ) -> None:
        """Store the arguments; begin nothing yet.

        Args:
            jobs: one for each text; a stream has one.
            answer: makes the body of what was written.
            encoder: of a stream; ``None``: all is sent when it is complete.
        """
        super().__init__()
        self._served = served
        self._jobs = jobs
        self._answer = answer
        self._encoder = encoder
        self._is_begun = False
        self._refusal: Refusal | None = None
        self._is_gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Generate and send."""
        served = self._served
        limit = anyio.CancelScope()
        if served.settings.timeout_s:
            limit.deadline = anyio.current_time() + served.settings.timeout_s
        async with anyio.create_task_group() as group:
            try:
                with served.traffic.generation(group.cancel_scope, len(self._jobs)):
                    group.start_soon(self._leave_with_client, receive, group.cancel_scope)
                    with limit:
                        await self._run(send)
            except Exception as error:
                self._refusal = refusal_of(error)
            group.cancel_scope.cancel()
        if self._is_gone:
            served.metrics.cut_short("client left")
            return
        # What is cancelled may end in an error of its own, which is not the reason.
        if limit.cancel_called and not self._is_complete:
            served.metrics.cut_short("time")
            self._refusal = _too_slow(served.settings.timeout_s)
        elif self._refusal is None and served.traffic.is_cut_off and not self._is_complete:
            served.metrics.cut_short("stopped")
            self._refusal = stopping()
        if self._refusal is not None:
            await self._send_refusal(self._refusal, send)

    _is_complete = False

    async def _run(self, send: Send) -> None:
        if self._encoder is None:
            await self._send_all(send)
        else:
            await self._send_stream(self._encoder, send)
        self._is_complete = True

    async def _leave_with_client(self, receive: Receive, scope: anyio.CancelScope) -> None:
        """End the generation where nobody is left who reads it."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        scope.cancel()

    async def _send_all(self, send: Send) -> None:
        done: dict[int, WrittenText] = {}

        async def generate(n: int, job: Job) -> None:
            done[n] = self._noted(job.written(await job.complete()))

        if len(self._jobs) == 1:
            await generate(0, self._jobs[0])
        else:
            failed: list[Exception] = []

            async def try_to(n: int, job: Job) -> None:
                try:
                    await generate(n, job)
                except Exception as error:
                    failed.append(error)
                    group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                for n, job in enumerate(self._jobs):
                    group.start_soon(try_to, n, job)
            if failed:
                raise failed[0]
        body = self._answer([done[n] for n in range(len(self._jobs))])
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        self._is_begun = True
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _send_stream(self, encoder: Encoder, send: Send) -> None:
        began = time.perf_counter()
        async with self._jobs[0].stream() as events:
            first = await anext(events)
            self._served.metrics.began(time.perf_counter() - began)
            self._is_begun = True
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _send_part(send, encoder.begin())
            if await self._send_events([first], encoder, send):
                return
            async with PacedEvents(events, self._served.pace) as paced:
                while not await self._send_events(await paced.some(), encoder, send):
                    pass

    async def _send_events(self, some: list[Event], encoder: Encoder, send: Send) -> bool:
        """Send what some events say; return whether they are the last ones."""
        data, last = encoder.pieces(some), some[-1]
        if not isinstance(last, Finished):
            if data:
                await _send_part(send, data)
            return False
        data += encoder.end(self._noted(self._jobs[0].written(last.completion)))
        await send({"type": "http.response.body", "body": data})
        return True

    def _noted(self, written: WrittenText) -> WrittenText:
        self._served.metrics.generated(
            written.completion, written.n_prompt_tokens, written.n_tokens
        )
        return written

    async def _send_refusal(self, refusal: Refusal, send: Send) -> None:
        if not self._is_begun:
            await send_refusal(refusal, send)
        elif self._encoder is not None:
            await send({"type": "http.response.body", "body": self._encoder.failed(refusal)})


async def _send_part(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


def _too_slow(seconds: float) -> Refusal:
    return Refusal(504, f"the text was not complete within {seconds:g} seconds", "timeout")
