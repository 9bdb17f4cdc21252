"""Checks of option values; an error names the option, what was expected and what came."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

import numpy as np

from lamlam.errors import UnknownOption, UsageError


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnknownOption` for a keyword that does not exist, naming the closest that does."""
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownOption(f"unknown option {name!r}", hint=_suggestion(name, names))


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `UnknownOption` unless the value is one of the choices."""
    if value not in choices:
        raise UnknownOption(f"unknown {name} {value!r}", hint=_suggestion(str(value), choices))


def check_int(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise `UsageError` unless it is a whole number between the two, both included."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= least and (most is None or value <= most):
            return
    to = "up" if most is None else f"to {most}"
    raise UsageError(f"{name} must be a whole number from {least} {to}, got {value!r}")


def check_number(
    name: str, value: object, least: float = -math.inf, most: float = math.inf
) -> None:
    """Raise `UsageError` unless it is a finite number between the two, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise UsageError(f"{name} must be a number, got {value!r}")
    if not -math.inf < value < math.inf:
        raise UsageError(f"{name} must be a finite number, got {value!r}")
    if not least <= value <= most:
        if most == math.inf:
            raise UsageError(f"{name} must be {least:g} or more, got {value!r}")
        raise UsageError(f"{name} must lie between {least:g} and {most:g}, got {value!r}")


def check_bool(name: str, value: object) -> None:
    """Raise `UsageError` unless it is true or false."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be True or False, got {value!r}")


def _suggestion(wrong: str, names: Iterable[str]) -> str:
    names = list(names)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(sorted(names))}"
