"""Checks of option values; an error names the option, what was expected and what came."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from lamlam.cut_text import cut_text
from lamlam.errors import UnknownOption, UsageError
from lamlam.near_names import near_names

_REASON = 10**9


_ELSEWHERE = {
    "functions": "a chat takes tools=",
    "max_completion_tokens": "write max_tokens",
    "max_new_tokens": "write max_tokens",
    "max_output_tokens": "write max_tokens",
    "n_ctx": "open the engine with context=",
    "repetition_penalty": "write repeat_penalty",
    "parallel_tool_calls": "it is an option of chat and stream_chat",
    "response_format": "it is an option of chat and stream_chat",
    "stream": "use stream or stream_chat",
    "tool_choice": "it is an option of chat and stream_chat",
    "tools": "they are an option of chat and stream_chat",
}
"""What other libraries call options, and what stands for them here."""


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnknownOption` for a keyword that does not exist, naming the closest that does."""
    names = list(known)
    for name in given:
        if name not in names:
            hint = _ELSEWHERE.get(name) or _suggestion(name, names)
            raise UnknownOption(f"unknown option {name!r}", hint=hint)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `UnknownOption` unless the value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        said = value if isinstance(value, str) else ""
        raise UnknownOption(f"unknown {name} {shown(value)}", hint=_suggestion(said, choices))


def check_int(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise `UsageError` unless it is a whole number between the two, both included."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= least and (most is None or value <= most):
            return
        is_too_large = value > least
    else:
        is_too_large = False
    # A limit that nobody meets by reason is said to those who meet it.
    to = "up" if most is None or (most > _REASON and not is_too_large) else f"to {most}"
    raise UsageError(f"{name} must be a whole number from {least} {to}, got {shown(value)}")


def check_number(
    name: str, value: object, least: float = -math.inf, most: float = math.inf
) -> None:
    """Raise `UsageError` unless it is a finite number between the two, both included."""
    if isinstance(value, bool) or not (isinstance(value, int | float) or is_numpy_float(value)):
        raise UsageError(f"{name} must be a number, got {shown(value)}")
    if not -math.inf < value < math.inf:
        raise UsageError(f"{name} must be a finite number, got {shown(value)}")
    if not least <= value <= most:
        if most == math.inf:
            raise UsageError(f"{name} must be {least:g} or more, got {shown(value)}")
        raise UsageError(f"{name} must lie between {least:g} and {most:g}, got {shown(value)}")


def check_bool(name: str, value: object) -> None:
    """Raise `UsageError` unless it is true or false."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be True or False, got {shown(value)}")


def check_characters(name: str, text: str) -> None:
    """Raise `UsageError` for half a surrogate pair, which bytes that are not UTF-8 become."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{name} contains an unpaired surrogate, which is not a character"
            f" (offset {error.start})",
            hint="decode the text as UTF-8",
        ) from None


def stated(options: Mapping[str, Any]) -> dict[str, Any]:  # Any: whatever was given
    """Return the options that are not ``None``, and numbers of NumPy as Python's own.

    JSON has no others, so that no trace could write them.
    """
    kinds = ("bool_", "integer", "floating")
    return {
        name: value.item() if _is_of_numpy(value, *kinds) else value
        for name, value in options.items()
        if value is not None
    }


def is_numpy_float(value: object) -> TypeGuard[float]:
    """Return whether it is a number of NumPy's with a fraction; loads no NumPy."""
    return _is_of_numpy(value, "floating")


def _is_of_numpy(value: object, *kinds: str) -> bool:
    numpy = sys.modules.get("numpy")  # who made the value has loaded it
    return numpy is not None and isinstance(value, tuple([getattr(numpy, k) for k in kinds]))


def shown(value: object) -> str:
    """Return how a message shows a value: its `repr`, or the beginning of a long one."""
    try:
        return cut_text(repr(value), 80)
    except Exception:  # a number of more digits than Python prints, or a broken `__repr__`
        return f"{type(value).__name__} that cannot be shown"


def _suggestion(wrong: str, names: Iterable[str]) -> str:
    names = list(names)
    near = near_names(wrong, names, most=1)
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(sorted(names))}"
