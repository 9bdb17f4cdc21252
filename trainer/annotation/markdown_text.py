"""Markdown as plain text: its headings are titles, its marks are gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)


def markdown_sections(text: str, title: str) -> Iterator[tuple[str, str]]:
    """Yield title and plain text of each document: one, or one for each heading of level 1.

    Lists and paragraphs become lines; code and HTML are left out.

    Args:
        text: of the file.
        title: of a file that has neither a heading nor a title in front.
    """
    from markdown_it import MarkdownIt

    text = text.replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        if named := _TITLE.search(front[1]):
            title = named[2]
    tokens = MarkdownIt("commonmark").parse(text)
    n_titles = sum(token.type == "heading_open" and token.tag == "h1" for token in tokens)
    blocks: list[str] = []
    for i, token in enumerate(tokens):
        if token.type != "inline" or not token.children:
            continue
        line = _plain(token.children).strip()
        opened = tokens[i - 1]
        if opened.type == "heading_open" and opened.tag == "h1" and (n_titles > 1 or not front):
            if blocks and n_titles > 1:
                yield title, "\n\n".join(blocks)
                blocks = []
            title = line or title
        elif line:
            blocks.append(line)
    yield title, "\n\n".join(blocks)


def _plain(children: Sequence[Token]) -> str:
    parts: list[str] = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)
