"""The Python of docs/agent-tools.md runs as printed, and prints what stands behind it."""

from __future__ import annotations

import pytest

from lamlam.agent_tools import policies
from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.agent_tools.tool import TOOLS
from tests.pages import fences, page

PAGE = page("agent-tools.md")
PROGRAMS, OUTPUTS = fences(PAGE), fences(PAGE, "text")


@pytest.mark.parametrize(("program", "shown"), list(zip(PROGRAMS, OUTPUTS, strict=True)))
def test_a_fence_prints_what_the_page_says(
    program: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(program, "agent-tools.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out == shown


def test_the_tables_have_every_tool_and_every_policy() -> None:
    for tool in TOOLS:
        (method,) = [
            line.rstrip(" |").rpartition("`")[0].rpartition("`")[2]
            for line in PAGE.splitlines()
            if line.startswith(f"| `{tool.name}`")
        ]
        assert hasattr(MemoryTools, method)
    for name in ("read_only", "never", "deny_relations", "only_relations", "only_sources"):
        assert f"| `{name}(" in PAGE and hasattr(policies, name)
