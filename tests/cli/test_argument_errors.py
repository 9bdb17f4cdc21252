"""Values of arguments that cannot be read: one line in words of the command."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from lamlam.cli.app import run
from tests.cli.test_command import COMMANDS


def _numbers() -> list[tuple[str, str, bool]]:
    """Return command, option or argument, and whether it is an option, of all that take a number."""
    found = []
    for path, command in sorted(COMMANDS.items()):
        types = get_type_hints(command.callback)
        for one in command.params:
            if types.get(one.name) in (int, float, int | None, float | None):
                options = [name for name in one.opts if name.startswith("-")]
                found.append((path, max(options, key=len) if options else one.name, bool(options)))
    return found


NUMBERS = _numbers()
FIRST = [one for n, one in enumerate(NUMBERS) if one[0] not in {path for path, _, _ in NUMBERS[:n]}]
"""The first of each command."""


def test_there_are_such_arguments() -> None:
    """Else the test below would say nothing."""
    assert ("facts undo", "revision", False) in NUMBERS
    assert ("facts search", "--limit", True) in NUMBERS and len(NUMBERS) > 40


@pytest.mark.parametrize(("path", "name", "is_option"), FIRST)
def test_a_text_is_no_number(
    path: str, name: str, is_option: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the argument, what it takes and what came."""
    n_before = next(
        (n for n, one in enumerate(_arguments(path)) if one.name == name), len(_arguments(path))
    )
    given = [name, "many"] if is_option else [*["x"] * n_before, "many"]
    assert run([*path.split(), *given]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "Input should be" not in err
    label = name if is_option else name.upper()
    assert label in err and "number, got 'many'" in err and "--help" in err


def _arguments(path: str) -> list[Any]:  # Any: typer's click
    return [one for one in COMMANDS[path].params if not one.opts[0].startswith("-")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["facts", "undo", "x"], "REVISION must be a whole number, got 'x'"),
        (["facts", "undo", "1.5"], "REVISION must be a whole number, got '1.5'"),
        (["facts", "search", "x", "--limit", "0"], "--limit must be 1 or more, got '0'"),
    ],
)
def test_what_it_says(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err
