"""The written form of a lookup; text with lookups to pieces and back.

``was born in<|db_entity|> Marie Curie<|db_relationship|> birth place<|db_return|>
Warsaw<|db_end|> Warsaw``: one space after each of the first three tokens, none
before a token inside the lookup, none inserted after the last: the rest is
the text unchanged. No space comes before ``<|db_entity|>`` either, so that
a model may open a lookup wherever its next token may be a word.

Source: Zhao et al. 2025 (arXiv 2505.15962), which puts a space in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from lamlam.lookup_tokens import END, ENTITY, LOOKUP_TOKENS, RELATIONSHIP, RETURN
from lamlam.trainer.entity_names import find_name

UNKNOWN = "unknown"
"""What a lookup returns where memory has no answer (the paper's word)."""

_LOOKUP = re.compile(" (.*?)".join(map(re.escape, LOOKUP_TOKENS)), re.DOTALL)
# The form in which annotated corpora are published. A value may hold a closing
# bracket ("[1]") as long as brackets pair, and either kind of quotation mark. A call that is not
# closed takes nothing of the next one.
_CALL = re.compile(
    r"\s?\[dblookup\((?P<q1>['\"])(?P<entity>(?:(?!\[dblookup\().)+?)(?P=q1),"
    r"\s*(?P<q2>['\"])(?P<relation>(?:(?!\[dblookup\().)+?)(?P=q2)\)"
    r"\s*->\s*(?P<value>(?:[^\[\]]|\[(?!dblookup\()[^\[\]]*\])+?)\s*\]"
)


@dataclass(frozen=True, slots=True)
class PlainText:
    """A run of ordinary text."""

    text: str
    in_loss: bool = True
    """Whether its tokens count in the loss."""


@dataclass(frozen=True, slots=True)
class LookupCall:
    """One lookup and what memory returned."""

    entity: str
    relation: str
    value: str
    entity_in_loss: bool = True
    """Whether the entity's tokens count in the loss: only where the text has named it before."""


@dataclass(frozen=True, slots=True)
class ControlToken:
    """A token that no text can spell: a mark of a chat template."""

    text: str


Piece = PlainText | LookupCall
ChatPiece = Piece | ControlToken
_P = TypeVar("_P", bound=ChatPiece)


def write(pieces: Iterable[Piece]) -> str:
    """Return the pieces as one string with lookup tokens.

    >>> write([PlainText("Born in"), LookupCall("Ada", "birth place", "London"), PlainText(" London.")])
    'Born in<|db_entity|> Ada<|db_relationship|> birth place<|db_return|> London<|db_end|> London.'
    """
    parts: list[str] = []
    for piece in pieces:
        if isinstance(piece, PlainText):
            parts.append(piece.text)
        else:
            parts.append(
                f"{ENTITY} {piece.entity}{RELATIONSHIP} {piece.relation}{RETURN} {piece.value}{END}"
            )
    return "".join(parts)


def read(text: str) -> Iterator[Piece]:
    """Yield the pieces of a string with lookup tokens; the inverse of `write`."""
    end = 0
    for match in _LOOKUP.finditer(text):
        if match.start() > end:
            yield PlainText(text[end : match.start()])
        yield LookupCall(match[1], match[2], match[3])
        end = match.end()
    if end < len(text):
        yield PlainText(text[end:])


def read_calls(text: str) -> Iterator[Piece]:
    """Yield the pieces of text with ``[dblookup('E', 'R') -> V]`` calls.

    The space before a call is dropped: the text has its own after it. All entities are in
    the loss: `learn_named_entities` leaves out those that the text has not named.
    """
    end = 0
    for match in _CALL.finditer(text):
        if match.start() > end:
            yield PlainText(text[end : match.start()])
        yield LookupCall(match["entity"], match["relation"].lower(), match["value"])
        end = match.end()
    if end < len(text):
        yield PlainText(text[end:])


def learn_named_entities(pieces: Iterable[_P]) -> Iterator[_P]:
    """Yield the pieces; entities are in the loss only where the text before has their name.

    A model that is trained to write a name that it has not read learns to invent one.
    """
    read_text = ""
    named: set[str] = set()
    searched: dict[str, int] = {}  # so that a long text is read once for each name
    for piece in pieces:
        if not isinstance(piece, LookupCall):
            read_text += piece.text
            yield piece
            continue
        if piece.entity not in named:
            start = max(0, searched.get(piece.entity, 0) - len(piece.entity) - 1)
            if find_name(piece.entity, read_text, start) >= 0:
                named.add(piece.entity)
            searched[piece.entity] = len(read_text)
        is_named = piece.entity in named
        yield piece if piece.entity_in_loss is is_named else replace(piece, entity_in_loss=is_named)


def strip_lookups(text: str) -> str:
    """Return the text without its lookups.

    >>> strip_lookups("Born in<|db_entity|> A<|db_relationship|> b<|db_return|> C<|db_end|> C.")
    'Born in C.'
    """
    return "".join(piece.text for piece in read(text) if isinstance(piece, PlainText))
