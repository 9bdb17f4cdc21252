"""The Python of docs/mcp.md runs as printed, and what it says of errors is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lamlam import errors
from lamlam.mcp_server.problems import CODES
from tests.pages import fences, page
from tests.programs import output_of

PAGE = page("mcp.md")


def test_the_client_of_the_page(tmp_path: Path) -> None:
    """It starts the server itself, in an empty folder."""
    program, _ = fences(PAGE)
    assert output_of(program, folder=tmp_path) == fences(PAGE, "text")[0]


def test_the_application_of_the_page() -> None:
    """Its names are there; it waits for requests, so that it is only read."""
    _, program = fences(PAGE)
    whole = compile(program, "mcp.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert {"open_store", "mcp_app", "running"} <= set(whole.co_names)


def test_the_errors_of_the_page() -> None:
    """Each name with its status or code."""
    for name, code in re.findall(r"`(\w+)`, code (-\d+)", PAGE):
        assert CODES[getattr(errors, name)] == int(code)
    for name, status in (("KeyRefused", 401), ("BodyTooLarge", 413), ("ServerStopping", 503)):
        assert f"| {status}" in PAGE and getattr(errors, name).status == status
