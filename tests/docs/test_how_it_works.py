"""The Python of docs/how-it-works.md runs."""

from __future__ import annotations

from pathlib import Path

from tests.docs.miss_policy_table import FACTS, KINDS, table
from tests.pages import fences, page
from tests.programs import output_of


def test_the_stream_shows_a_lookup_before_its_value(tmp_path: Path) -> None:
    (program,) = fences(page("how-it-works.md"))
    printed = output_of(program, folder=tmp_path).splitlines()
    assert printed.index("birth place hit") < printed.index("'Tupelo, Mississippi' fact")


def test_the_table_of_policies_is_what_they_write() -> None:
    """Every policy and every kind of miss; `python -m tests.docs.miss_policy_table` prints it."""
    text = page("how-it-works.md")
    now = table()
    assert now in text, f"put this into the page:\n{now}"
    for kind, prompt in KINDS.items():
        assert f"**{kind}**: `{prompt}`" in text
    assert all(f"{entity} · {relation} → {value}" in text for entity, relation, value in FACTS)
