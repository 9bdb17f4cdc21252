"""Output of the command: results on standard output, all else on standard error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.cut_text import cut_place

if TYPE_CHECKING:
    from rich.console import Console

_MOST_SHOWN = 2000
# Characters that turn the direction of text: they can make a line read as another one.
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
# All of C0, DEL and C1 but tab and line end, and those: shown as the replacement character.
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0), *_BIDI} - {0x09, 0x0A}, "\ufffd")
# JSON itself escapes C0 alone; escaped, the rest reads back as it was.
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in {*range(0x7F, 0xA0), *_BIDI}}


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    text = as_json(value, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # what the terminal cannot show is escaped
        text = json.dumps(value, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def as_json(value: Any, indent: int | None = None) -> str:
    """Return JSON without control characters; refuse NaN and infinity, which JSON lacks."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    return text.translate(_JSON_ESCAPES)


def print_error(message: str, hint: str | None = None) -> None:
    """Print the message on standard error as one line."""
    line = " ".join(message.split())
    if hint:
        line = f"{line} ({' '.join(hint.split())})"
    sys.stderr.write(f"error: {printable(line)}\n")


def notes_of(error: BaseException) -> list[str]:
    """Return what was noted of an error besides its hint, such as what was done before it."""
    hint = getattr(error, "hint", None)
    return [note for note in getattr(error, "__notes__", ()) if note != hint]


@contextmanager
def saying_what_is_done() -> Iterator[None]:
    """Print what is noted of an interruption, which typer turns into a bare exit status."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        for note in notes_of(error):
            sys.stderr.write(f"{printable_line(note)}\n")
        raise


def printable(text: str) -> str:
    """Return the text with control characters replaced, so that no value controls the terminal."""
    return text.translate(_CONTROLS)


def printable_line(text: str) -> str:
    """Return the printable text on one line: a value cannot look like the next line."""
    return printable(" ".join(text.split()))


def shortened(text: str) -> str:
    """Return the text, or the beginning and the length of a very long one."""
    if len(text) <= _MOST_SHOWN:
        return text
    return f"{text[: cut_place(text, _MOST_SHOWN)]}… ({len(text):,} characters; --json shows all)"


def command_name() -> str:
    """Return how to type this command again in the same shell."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return "python -m lamlam"
    found = shutil.which(program.name)
    return program.name if found and program.resolve() == Path(found).resolve() else sys.argv[0]


def stdout_console() -> Console:
    """Return a console on standard output that wraps at word ends and guesses no colours."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, soft_wrap=False)


def stderr_console() -> Console:
    """Return a console on standard error, for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, markup=False)


def print_result(figures: dict[str, Any], as_json: bool) -> None:
    """Print figures as one JSON object or one a line."""
    (print_json if as_json else print_figures)(figures)


def print_figures(figures: dict[str, Any]) -> None:
    """Print one figure a line, names on the left."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        if isinstance(value, float):
            value = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        elif isinstance(value, dict):
            value = "  ".join(
                f"{key} {part:.3g}" if isinstance(part, float) else f"{key} {part}"
                for key, part in value.items()
            )
        elif isinstance(value, list):
            value = "; ".join(map(str, value))
        sys.stdout.write(
            f"{printable_line(name):<{width}}  {shortened(printable_line(str(value)))}\n"
        )
    sys.stdout.flush()
