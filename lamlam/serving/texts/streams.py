"""Server-sent events: pieces of a text between a beginning and an end that are made once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from lamlam.serving.answers.refusals import json_bytes

END = b"data: [DONE]\n\n"
_PLACE = "\0"


class StreamOptions(BaseModel):
    """What a client wants of a stream."""

    model_config = ConfigDict(extra="forbid", strict=True)

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    """Read and ignored: pieces are of no fixed length here."""


def wants_usage(options: StreamOptions | None) -> bool:
    """Return whether the last event tells how many tokens there were."""
    return options is not None and bool(options.include_usage)


def event_data(value: dict[str, Any]) -> bytes:
    """Return an event without a name."""
    return b"data: " + json_bytes(value) + b"\n\n"


def named_event(name: str, value: dict[str, Any]) -> bytes:
    """Return an event with a name."""
    return b"event: " + name.encode() + b"\n" + event_data(value)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the text of a piece."""

    before: bytes
    after: bytes

    def piece(self, text: str) -> bytes:
        """Return the event of a piece of text."""
        said = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
        return self.before + said + self.after


@dataclass(frozen=True, slots=True)
class StreamHead:
    """The fields that each event of a stream has, and its whole answer likewise."""

    id: str
    object: str
    created: int
    model: str

    @property
    def fields(self) -> dict[str, Any]:
        """By their names."""
        return {
            "id": self.id, "object": self.object, "created": self.created, "model": self.model,
        }  # fmt: skip

    def around(self, rest: dict[str, Any]) -> Around:
        """Return what stands around the text of a piece; in ``rest`` its place is a NUL."""
        return around({**self.fields, **rest})


def around(value: dict[str, Any], name: str | None = None) -> Around:
    """Return what stands around the one text of an event that is a NUL."""
    data = event_data(value) if name is None else named_event(name, value)
    before, after = data.split(json.dumps(_PLACE).encode())
    return Around(before, after)
