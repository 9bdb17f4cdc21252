"""A stretch of words as a name: the marks beside it may belong to it."""

from __future__ import annotations

import pytest

from lamlam.memory_backends.model.name_spellings import spellings


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [
        ("Velmora", ["Velmora"]),
        ('("Velmora",', ["Velmora"]),
        ("Ada Quill Jr.", ["Ada Quill Jr", "Ada Quill Jr."]),
        ("Mercury (planet)", ["Mercury (planet", "Mercury (planet)"]),
        ("Quill's", ["Quill's", "Quill"]),
        ("Quill’s,", ["Quill’s", "Quill"]),
        ("-40 °C", ["40 °C", "-40 °C"]),
        ("-Velmora", ["Velmora"]),
        ("(+)-limonene", ["+)-limonene", "(+)-limonene"]),
        ("(500) Days", ["500) Days", "(500) Days"]),
        ("(10 December", ["10 December"]),
        ("(born", ["born"]),
        ("—", []),
        ("'s", ["s"]),
    ],
)
def test_spellings(stretch: str, expected: list[str]) -> None:
    """Whatever stands around the stretch."""
    for before, after in (("", ""), ("In ", " was")):
        text = before + stretch + after
        start = len(before)
        first_end = start + len(stretch.split()[0])
        found = spellings(text, start, first_end, start + len(stretch))
        assert [text[a:b] for a, b in found] == expected
