"""How each error is answered: status, one sentence, and OpenAI's shape around it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from lamlam import errors
from lamlam.cut_text import cut_text

logger = logging.getLogger("lamlam.serving")
_MOST_CHARACTERS = 600
Kind = Literal[
    "invalid_request_error", "authentication_error", "permission_error", "not_found_error",
    "rate_limit_error", "server_error",
]  # fmt: skip
_KINDS: dict[int, Kind] = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error",
}  # fmt: skip
_RETRY = {"Retry-After": "1"}


class ErrorDetails(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetails


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    @property
    def details(self) -> dict[str, Any]:
        """The error as OpenAI's clients read it."""
        kind = _KINDS.get(self.status) or (
            "server_error" if self.status >= 500 else "invalid_request_error"
        )
        said = cut_text(self.message, _MOST_CHARACTERS)
        return {"message": said, "type": kind, "param": self.param, "code": self.code}

    @property
    def body(self) -> bytes:
        """The JSON of the answer."""
        return json_bytes({"error": self.details})


# The first class that fits counts, so that special ones stand before general ones.
_ANSWERS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.PromptTooLong, 400, "context_length_exceeded"),
    (errors.LookupFailed, 422, "lookup_failed"),
    (errors.BadSchema, 422, "invalid_schema"),
    (errors.BadTools, 422, "invalid_tools"),
    (errors.MissingExtra, 501, "not_installed"),
    (errors.UsageError, 400, "invalid_value"),
    (errors.BadChatTemplate, 400, "invalid_messages"),
    (errors.EngineBusy, 429, "queue_full"),
    (errors.EngineClosed, 503, "server_stopping"),
    (errors.ReadOnly, 403, "read_only"),
    (errors.PolicyRefused, 403, "policy_refused"),
    (errors.Conflict, 409, "conflict"),
    (errors.TooManyValues, 409, "too_many_values"),
    (errors.CannotUndo, 409, "conflict"),
    (errors.BadFact, 400, "invalid_fact"),
    (errors.NotSupported, 501, "not_supported"),
    (errors.Unavailable, 503, "memory_unavailable"),
    (errors.StoreClosed, 503, "server_stopping"),
)


def refusal_of(error: BaseException) -> Refusal:
    """Return how an error is answered; one that nobody expected is logged, and told to nobody."""
    if isinstance(error, Refusal):
        return error
    if (refused := _refused_access(error)) is not None:
        return refused
    for kind, status, code in _ANSWERS:
        if isinstance(error, kind):
            return Refusal(
                status, sentence(error), code, None, _RETRY if status in (429, 503) else {}
            )
    logger.error("a request failed", exc_info=error)
    if isinstance(error, errors.LamLamError):
        return Refusal(500, sentence(error), "server_error")
    return Refusal(500, "the server failed at this request, and its log says why", "server_error")


def _refused_access(error: BaseException) -> Refusal | None:
    if isinstance(error, errors.KeyRefused):
        challenge = {"WWW-Authenticate": 'Bearer realm="lamlam"'}
        return Refusal(401, sentence(error), "invalid_api_key", None, challenge)
    if isinstance(error, errors.NamespaceRefused):
        return Refusal(403, sentence(error), "namespace_refused", "namespace")
    if isinstance(error, errors.RightMissing):
        return Refusal(403, sentence(error), "right_missing")
    return None


def sentence(error: BaseException) -> str:
    """Return an error as one line, its hint in brackets."""
    said = " ".join(str(error).split())
    hint = getattr(error, "hint", None)
    return f"{said} ({' '.join(hint.split())})" if hint else said


def json_bytes(value: Any) -> bytes:  # Any: JSON
    """Return JSON; half a surrogate pair, which is no character, becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
