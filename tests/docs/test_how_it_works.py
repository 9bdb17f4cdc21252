"""The Python of docs/how-it-works.md runs."""

from __future__ import annotations

from pathlib import Path

from tests.pages import fences, page
from tests.programs import output_of


def test_the_stream_shows_a_lookup_before_its_value(tmp_path: Path) -> None:
    (program,) = fences(page("how-it-works.md"))
    printed = output_of(program, folder=tmp_path).splitlines()
    assert printed.index("birth place hit") < printed.index("'Tupelo, Mississippi' fact")
