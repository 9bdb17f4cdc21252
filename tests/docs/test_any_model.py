"""The Python of docs/any-model.md runs as printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import fences, page
from tests.programs import output_of
from tests.runtime.chat.chat_support import small_instruct_model

FIND, *FENCES = fences(page("any-model.md"))
EXPECTED = (
    "Paris",
    "Ada Quill birth place hit Lowmere",
    "Person(name='Tom', age=31, languages=['French', 'Dutch'])",
    "'value': 'Lowmere'",
)


@pytest.mark.parametrize(("program", "shown"), list(zip(FENCES, EXPECTED, strict=True)))
def test_a_fence_runs_and_shows_what_the_page_says(
    program: str, shown: str, tmp_path: Path
) -> None:
    if "model.gguf" in program:
        small_instruct_model()  # or fail, and say what is missing
        program = f"{FIND}\n{program}"
    assert shown in output_of(program, folder=tmp_path)
