"""One request to a chat endpoint of OpenAI's shape, tried again where that may help."""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lamlam.errors import AnnotatorFailed

_MOST_BYTES = 32 << 20
"""Of an answer."""
_LONGEST_WAIT_S = 120.0
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model wrote, and the tokens that it took."""

    text: str
    prompt_tokens: int
    reply_tokens: int


@dataclass(slots=True)
class ChatEndpoint:
    """Asks one model; may be used by several threads.

    Args:
        url: such as ``http://localhost:8000/v1``; ``/chat/completions`` is added if missing.
        model: its name there.
        key: sent as a bearer token, if any.
        timeout_s: seconds without a byte after which a request counts as lost.
        tries: requests for one text.
        extra: further fields of each request.
    """

    url: str
    model: str
    key: str = ""
    timeout_s: float = 120.0
    tries: int = 5
    extra: dict[str, Any] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, no request begins and no pause goes on."""
    failures: Counter[str] = field(default_factory=Counter)
    """Failed requests, by reason."""

    def __post_init__(self) -> None:
        """Complete the URL.

        Raises:
            AnnotatorFailed: it is not an http or https URL.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AnnotatorFailed(
                f"{self.url!r} is not the URL of an endpoint",
                hint="such as http://localhost:8000/v1",
            )
        self.url = self.url.rstrip("/")
        if not self.url.endswith("/chat/completions"):
            self.url += "/chat/completions"

    def ask(
        self, messages: list[dict[str, str]], most_tokens: int, grammar: str | None = None
    ) -> ModelReply | None:
        """Return the reply; None if none of the tries gave one.

        Raises:
            AnnotatorFailed: the endpoint refuses the request itself, such as the key or the model.
        """
        body: dict[str, Any] = {
            "model": self.model, "messages": messages, "temperature": 0, "max_tokens": most_tokens,
            "stream": False, **self.extra,
        }  # fmt: skip
        if grammar is not None:
            body["grammar"] = grammar
        data = json.dumps(body).encode()
        for number in range(self.tries):
            if self.stop.is_set():
                return None
            wait_s = min(_LONGEST_WAIT_S, 0.5 * 2**number) * random.uniform(0.5, 1.0)
            try:
                return self._once(data)
            except urllib.error.HTTPError as error:
                with error:
                    said = _said(error)
                    if error.code not in _AGAIN:
                        self.stop.set()
                        raise _refusal(error.code, said, self) from None
                    self.failures[f"status {error.code}"] += 1
                    wait_s = _retry_after(error.headers.get("Retry-After")) or wait_s
            except TimeoutError:
                self.failures["timed out"] += 1
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                timed_out = isinstance(reason, TimeoutError)
                self.failures["timed out" if timed_out else "connection lost"] += 1
            except _Nonsense as error:
                self.failures[str(error)] += 1
            if number + 1 < self.tries:
                self.stop.wait(wait_s)
        return None

    def _once(self, data: bytes) -> ModelReply:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url, data, headers, method="POST")
        with _OPENER.open(request, timeout=self.timeout_s) as answer:
            raw = answer.read(_MOST_BYTES + 1)
            is_cut = bool(answer.length) and len(raw) <= _MOST_BYTES
        if is_cut:
            raise http.client.IncompleteRead(raw)
        if len(raw) > _MOST_BYTES:
            raise _Nonsense("answer too large")
        return _reply(raw)


class _Nonsense(Exception):
    """An answer that is not one of a chat endpoint."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would send the key elsewhere, and a POST as a GET."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Follow none."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def _reply(raw: bytes) -> ModelReply:
    try:
        answer = json.loads(raw)
        text = answer["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _Nonsense("not an answer of a chat") from None
    if not isinstance(text, str) or not text.strip():
        raise _Nonsense("empty answer")
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return ModelReply(
        text, _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
    )


def _number(given: object) -> int:
    return given if type(given) is int and given >= 0 else 0


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a server asks to wait, at most two minutes."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(header)
            seconds = when.timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(_LONGEST_WAIT_S, max(0.0, seconds)) if seconds == seconds else None


def _said(error: urllib.error.HTTPError) -> str:
    try:
        body = error.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    try:
        said = json.loads(body)["error"]["message"]
    except (ValueError, LookupError, TypeError):
        said = body
    return " ".join(str(said).split())[:200]


def _refusal(code: int, said: str, endpoint: ChatEndpoint) -> AnnotatorFailed:
    hint = {
        401: "set the key in LAMLAM_ANNOTATOR_KEY or OPENAI_API_KEY",
        403: "the key may not use this model",
        404: "is the URL right (it usually ends with /v1), and the model's name?",
    }.get(code, "the texts that are done are kept; run the same command again when it is mended")
    shown = f": {said}" if said else ""
    return AnnotatorFailed(f"{endpoint.url} answers {code}{shown}", hint=hint)
