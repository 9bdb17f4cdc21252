"""What the description of the server (OpenAPI) says of answers that are not a success, and of streams."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lamlam.serving.answers.refusals import ErrorAnswer

_WHY = {
    400: "The request is malformed, or a field has a wrong value.",
    401: "The access key is missing, unknown or expired.",
    403: "The key does not have the right, or does not reach the namespace; or memory is read-only.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "What is asked contradicts what memory holds, or itself.",
    413: "The body is over the limit.",
    421: "The host is not a name of this server.",
    422: "The request is well-formed and cannot be done.",
    429: "The queue is full; Retry-After says when to try again.",
    500: "The server failed.",
    501: "The memory behind the server cannot do this.",
    503: "The server is stopping, or memory does not answer.",
    504: "The text was not complete in time.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of errors with these statuses."""
    return {status: {"model": ErrorAnswer, "description": _WHY[status]} for status in statuses}


def stream_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the description of a success: one object, or events."""
    return {
        "model": model,
        "description": "The text; with `stream` as server-sent events.",
        "content": {"text/event-stream": {}},
    }
