"""The section about LangGraph, and the example: what they print is what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.shown import check_example, check_versions, printed, programs

NAME = "LangGraph"


@pytest.mark.parametrize(("program", "shown"), programs(NAME))
def test_the_section_prints_what_it_says(program: str, shown: str, tmp_path: Path) -> None:
    """Each program by itself, in an empty folder."""
    assert printed(program, tmp_path) == shown


def test_the_example_prints_what_it_says(tmp_path: Path) -> None:
    """In its docstring."""
    check_example("langgraph_memory.py", tmp_path)


def test_the_version_is_the_one_that_is_named() -> None:
    """The page is renewed with the environment."""
    check_versions(NAME, "langgraph")
