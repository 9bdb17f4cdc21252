"""What is wrong with an argument of the command, in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "literal_error": "{expected}",
    "enum": "{expected}",
}
"""By the kind of what pydantic found, by which typer reads arguments."""
_LONGEST = 40


def message_about_value(error: BaseException) -> str | None:
    """Return what a value of an option or argument must be; ``None`` for any other error."""
    parameter = getattr(error, "param", None)
    cause: Any = error.__cause__  # of pydantic, where a value could not be read
    if parameter is None or not hasattr(cause, "errors"):
        return None
    first: Mapping[str, Any] = cause.errors(include_url=False)[0]  # Any: of pydantic
    expected = _EXPECTED.get(first["type"])
    if expected is None:
        return None
    got = repr(str(first["input"])[:_LONGEST])
    return f"{_name_of(parameter)} must be {expected.format(**first.get('ctx', {}))}, got {got}"


def _name_of(parameter: Any) -> str:  # Any: a class of typer's, which has moved between releases
    options = [name for name in parameter.opts if name.startswith("-")]
    if options:
        return str(max(options, key=len))
    return str(parameter.metavar or parameter.name.upper())
