"""Which sentence of a prompt is under way at its end, and in which form it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lamlam.memory_backends.model.words import Word, words_of
from lamlam.runtime.wording.phrases import CLASSES

Form = Literal["open", "question", "blank", "label"]
"""An open sentence ends where the value is due; a question, a blank to be filled and a label
("Capital of Norway:") are answered by the value alone."""
LONGEST_SENTENCE = 600
"""Characters of the last sentence that are read; the beginning of a longer one is left out."""
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr st vs no jr sr prof gen col lt sgt inc ltd co mt ft".split()
)
_CLOSING = "\"'”’*_`)]»"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a text and the form in which it asks."""

    form: Form
    words: tuple[Word, ...]

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        return self.words[0].start if self.words else 0


def last_sentence(text: str, names: Sequence[tuple[int, int]]) -> Sentence | None:
    """Return the sentence that asks at the end of a text; none where nothing is under way.

    Args:
        names: stretches of known names, which no sentence ends in.
    """
    end = len(text.rstrip())
    begin = max(0, end - LONGEST_SENTENCE)
    words = words_of(text[begin:end], begin)
    words, is_answer_due = _without_answer_mark(words)
    while words and (words[-1].kind == "line" or words[-1].text in _CLOSING):
        words.pop()
    if not words:
        return None
    sentences = _sentences(words, names)
    last = sentences[-1]
    if is_answer_due:
        return Sentence("question", tuple(_without_lead(last, names)))
    return _with_form(last, names)


def sentence_places(text: str, names: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where each sentence of a text begins and ends.

    Args:
        names: stretches of known names, which no sentence ends in.
    """
    found = _sentences(words_of(text), names)
    return [(one[0].start, one[-1].end) for one in found if one]


def _with_form(words: list[Word], names: Sequence[tuple[int, int]]) -> Sentence | None:
    body = _without_lead(words, names)
    mark = words[-1].text
    if any(word.kind == "blank" for word in words):
        return Sentence("blank", tuple(body))
    is_name = any(start <= body[0].start < end for start, end in names)
    if mark == "?" or (not is_name and _is_request(body)):
        return Sentence("question", tuple(body))
    if mark in ".!;":
        return None  # it is complete
    is_glued = len(words) > 1 and words[-2].end == words[-1].start  # "techno-"
    if mark in (":", "=", "|") or (mark in ("-", "–", "—") and not is_glued):
        return Sentence("label", tuple(body))
    return Sentence("open", tuple(body))


def _sentences(words: list[Word], names: Sequence[tuple[int, int]]) -> list[list[Word]]:
    sentences: list[list[Word]] = [[]]
    for n, word in enumerate(words):
        if word.kind == "line":
            if sentences[-1]:
                sentences.append([])
            continue
        sentences[-1].append(word)
        if word.text in ".?!" and n + 1 < len(words) and _ends(words, n, names):
            sentences.append([])
    return [one for one in sentences if one] or [[]]


def _ends(words: list[Word], n: int, names: Sequence[tuple[int, int]]) -> bool:
    """Return whether the mark at a place ends a sentence."""
    mark, after = words[n], words[n + 1]
    if after.start == mark.end and after.kind != "line":
        return False
    if any(start <= mark.start < end for start, end in names):
        # A name that ends with its mark, such as "Inc.", may end a sentence too.
        return any(end == mark.end for _, end in names) and after.text[:1].isupper()
    if mark.text == "." and n:
        before = words[n - 1].text.casefold()
        if before in _ABBREVIATIONS or (len(before) == 1 and before.isalpha()):
            return False
    return True


def _without_answer_mark(words: list[Word]) -> tuple[list[Word], bool]:
    """Return the words before "Answer:" at the end, and whether it stood there."""
    body = list(words)
    has_mark = bool(body) and body[-1].text in (":", "-", ">", "=")
    while body and body[-1].text in (":", "-", ">", "=", "*", '"', "“"):
        body.pop()
    tail = [word.text.casefold() for word in body[-4:]]
    for n in range(min(4, len(tail)), 0, -1):
        phrase = " ".join(tail[-n:])
        if phrase not in _answer_marks() or len(body) == n:
            continue
        before = body[-n - 1]
        is_alone = before.kind == "line" or before.text in ".?!"
        if is_alone and (has_mark or before.text == "?" or _asks(body[: len(body) - n])):
            return body[: len(body) - n], True
    return list(words), False


def _asks(words: list[Word]) -> bool:
    rest = [word for word in words if word.kind != "line"]
    return bool(rest) and rest[-1].text == "?"


def _without_lead(words: list[Word], names: Sequence[tuple[int, int]]) -> list[Word]:
    """Return a sentence without what announces it: "Question:", "Complete the sentence:"."""
    for n, word in enumerate(words[:-1]):
        if word.text != ":" or any(start <= word.start < end for start, end in names):
            continue
        lead, rest = words[:n], words[n + 1 :]
        if len(rest) < 2 or not any(one.kind in ("word", "blank") for one in rest):
            break
        first = " ".join(one.text.casefold() for one in lead[-1:])
        if first in _question_marks() or _is_request(lead) or len(lead) <= 1:
            return _without_lead(rest, names)
    return words


def _is_request(words: list[Word]) -> bool:
    """Return whether a sentence without a question mark asks all the same."""
    texts = [word.text.casefold().replace("’", "'") for word in words[:6] if word.kind != "mark"]
    while texts and texts[0] in ("hey", "hi", "hello", "ok", "okay", "so", "and", "please", "well"):
        texts = texts[1:]
    if not texts:
        return False
    if texts[0] in ("where", "when", "why"):
        return len(texts) > 1 and texts[1] in _INVERTING
    return any(" ".join(texts[:n]) in _requests() for n in range(1, 4))


_INVERTING = frozenset("is are was were did does do has have had can could will would's 's".split())


@cache
def _requests() -> frozenset[str]:
    return frozenset(CLASSES.words("requests"))


@cache
def _answer_marks() -> frozenset[str]:
    return frozenset(CLASSES.words("answer marks"))


@cache
def _question_marks() -> frozenset[str]:
    return frozenset(CLASSES.words("question marks"))
