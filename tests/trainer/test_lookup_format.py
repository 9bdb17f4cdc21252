"""Text with lookups reads and writes without loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.lookup_format import (
    LookupCall,
    Piece,
    PlainText,
    read,
    read_calls,
    strip_lookups,
    write,
)

# Any text that spells no token: what a well-formed document holds.
plain = st.text(min_size=1).filter(lambda text: "<|db_" not in text)
pieces = st.lists(
    st.one_of(st.builds(PlainText, plain), st.builds(LookupCall, plain, plain, plain)), max_size=8
)


def joined(parts: list[Piece]) -> list[Piece]:
    """Neighbouring runs of text as one, which is how they read back."""
    result: list[Piece] = []
    for part in parts:
        if isinstance(part, PlainText) and result and isinstance(result[-1], PlainText):
            result[-1] = PlainText(result[-1].text + part.text)
        else:
            result.append(part)
    return result


@given(pieces)
def test_what_is_written_reads_back(parts: list[Piece]) -> None:
    assert list(read(write(parts))) == joined(parts)


@given(pieces)
def test_stripping_leaves_the_text(parts: list[Piece]) -> None:
    assert strip_lookups(write(parts)) == "".join(p.text for p in parts if isinstance(p, PlainText))


def test_published_call_form_reads_without_its_space() -> None:
    text = "Born in [dblookup('Marie Curie', 'Birth Place') -> Warsaw] Warsaw."
    assert list(read_calls(text)) == [
        PlainText("Born in"),
        LookupCall("Marie Curie", "birth place", "Warsaw"),
        PlainText(" Warsaw."),
    ]


def test_published_call_keeps_brackets_and_quotes_of_its_fields() -> None:
    text = """A [dblookup("O'Hara", 'Known For')-> the [1] list] b"""
    assert list(read_calls(text)) == [
        PlainText("A"),
        LookupCall("O'Hara", "known for", "the [1] list"),
        PlainText(" b"),
    ]
