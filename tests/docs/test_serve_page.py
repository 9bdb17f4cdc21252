"""docs/serve.md and the README: the five lines run as printed, and the errors of the table exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import fences, page
from tests.paths import ROOT
from tests.programs import output_of
from tests.serving.conftest import running

PAGE = page("serve.md")


def test_two_commands_and_five_lines(tmp_path: Path) -> None:
    """They print what stands below them, in the page and in the README."""
    commands = fences(PAGE, "sh")[0].splitlines()
    (program,) = fences(PAGE)
    assert len(commands) == 2 and len([line for line in program.splitlines() if line]) == 5
    assert fences(page("README.md"), "py") == [program]
    printed = PAGE.partition(program)[2].split("```\n")[2]
    with running() as server:
        here = program.replace("http://127.0.0.1:8000", server.url)
        assert here != program
        assert output_of(here, folder=tmp_path) == printed
    assert f'This prints "{printed.strip()}"' in page("README.md")


def test_every_code_of_an_error_is_in_the_table() -> None:
    """Those that the code has, and no others but those of each field and of the unexpected."""
    files = [*(ROOT / "lamlam/serving").rglob("*.py"), ROOT / "lamlam/mcp_server/request_heads.py"]
    source = "".join(path.read_text() for path in files)
    told = set(re.findall(r"`([a-z_]+)`", PAGE.partition("## Errors")[2].partition("## From")[0]))
    told -= {"param"}
    assert all(f'"{code}"' in source for code in told), told
    have = set(re.findall(r'\d{3}, "([a-z_]+)"\)', source))
    assert have - {"not_installed", "policy_refused", "invalid_messages", "server_error"} <= told
