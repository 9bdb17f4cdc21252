"""What the tests of ``lamlam facts`` share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Facts = Callable[..., tuple[int, str, str]]
"""Run ``lamlam facts`` with these arguments; status, output, errors."""

LINES = (
    '{"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere", "source": "register"}\n'
    '{"entity": "Ada Quill", "relation": "profession", "value": "miller"}\n'
    '{"entity": "Bob Ferris (painter)", "relation": "born", "value": "3 May 1871"}\n'
    '{"entity": "Bob Ferris (sailor)", "relation": "born", "value": "1902"}\n'
)


def as_json(result: tuple[int, str, str]) -> dict[str, Any]:
    """Return the object that the command printed."""
    value = json.loads(result[1])
    assert isinstance(value, dict)
    return value
