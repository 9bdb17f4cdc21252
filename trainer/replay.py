"""Replay: ordinary text among the documents, so that a model keeps what it could do before.

A model that was trained on much text and then sees documents with lookups alone forgets how
other text goes on. A share of plain text, with no lookups and all of it in the loss, holds it.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Sequence

from lamlam.errors import BadDocument
from lamlam.trainer.augmentation import NO_AUGMENTATION
from lamlam.trainer.chats import Turns, read_turns
from lamlam.trainer.documents import (
    UNREADABLE,
    Document,
    numbered_lines,
    open_text,
    too_long,
)
from lamlam.trainer.packing import EncodedDocument, augment_and_encode
from lamlam.trainer.settings import DataConfig
from lamlam.trainer.split import is_held_out
from lamlam.trainer.tokenizer import LmlmTokenizer

log = logging.getLogger(__name__)

_GROUP = 64
"""Texts that are encoded at a time, until there are enough."""


def read_replay(data: DataConfig) -> list[Document]:
    """Return the texts of ``data.replay``, each as a document without facts; none if it is empty.

    Raises:
        BadDocument: as `read_plain_texts`.
    """
    if not data.replay:
        return []
    texts = read_plain_texts(data.replay, "data.replay", data.held_out)
    log.info("%d texts to replay, %.0f%% of the tokens", len(texts), 100 * data.replay_share)
    return texts


def read_plain_texts(path: str, setting: str, held_out: float) -> list[Document]:
    """Return the texts of a file, each as a document without facts.

    A file whose first line is a JSON object has one a line, with a ``text``: documents are such
    lines. In any other each line is a text. Titles that are held out stay out.

    Args:
        setting: that names the file, for messages.
        held_out: share of the titles that are held out.

    Raises:
        BadDocument: the file cannot be read, a line of JSON has no text, or no text is there.
    """
    texts: list[Document] = []
    is_json: bool | None = None
    n_held_out = 0
    try:
        with open_text(path) as lines:
            for number, whole in numbered_lines(lines):
                if whole is None:
                    problem = too_long(number)
                    raise BadDocument(f"{setting}, {path}: {problem}", hint=problem.hint)
                line = whole.strip()
                if not line:
                    continue
                if is_json is None:
                    is_json = line.startswith("{") and _fields(line) is not None
                one = (
                    _read_line(line, number, f"{setting}, {path},")
                    if is_json
                    else Document("", line, (), source="replay")
                )
                if one.title and is_held_out(one.title, held_out):
                    n_held_out += 1
                elif one.text.strip() or one.turns:
                    texts.append(one)
    except UNREADABLE as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {setting}, {path}: {why}") from None
    if not texts:
        raise BadDocument(
            f"{setting}, {path}, has no text",
            hint="write one text a line, or JSON lines with a text",
        )
    if n_held_out:
        log.info("%d texts of %s are held out", n_held_out, setting)
    return texts


def _fields(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_line(line: str, number: int, where: str) -> Document:
    fields = _fields(line) or {}
    turns: Turns = ()
    if "messages" in fields and "text" not in fields:
        turns = read_turns(fields["messages"], f"line {number} of {where}")
        fields["text"] = "".join(content for _, content in turns)
    title, text = fields.get("title", ""), fields.get("text")
    if not isinstance(text, str) or not isinstance(title, str):
        raise BadDocument(
            f"line {number} of {where} is not a JSON object with a text or messages",
            hint='write {"text": "..."} or {"messages": [...]} in each line, or plain text in all',
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadDocument(f"line {number} of {where} has half a character")
    return Document(title, "" if turns else text, (), source="replay", turns=turns)


def draw_replay(
    texts: Sequence[Document],
    share: float,
    n_tokens: int,
    tokenizer: LmlmTokenizer,
    seed: int,
    *,
    longest: int | None,
    plain: bool = False,
) -> list[EncodedDocument]:
    """Return texts that make up a share of the tokens; the same seed draws the same.

    Where there are too few, each comes again when all have come.

    Args:
        share: of the tokens of both together.
        n_tokens: of the documents beside them.
        longest: tokens; longer texts are returned in parts. None keeps all whole.
        plain: leave out the lookups of chats.
    """
    wanted = n_tokens * share / (1 - share)
    rng = random.Random(seed)
    drawn: list[EncodedDocument] = []
    n_drawn = 0
    left: list[Document] = []
    while n_drawn < wanted:
        if not left:
            left = rng.sample(texts, len(texts))
        group, left = left[:_GROUP], left[_GROUP:]
        for one in augment_and_encode(
            group, tokenizer, NO_AUGMENTATION, {}, seed, plain=plain, longest=longest
        ):
            # As near to the share as whole texts allow.
            if n_drawn + len(one.tokens) / 2 >= wanted:
                return drawn
            drawn.append(one)
            n_drawn += len(one.tokens)
    return drawn
