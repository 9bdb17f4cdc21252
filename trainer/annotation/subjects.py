"""Which entity each sentence of a document is about, as far as its first words say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lamlam.trainer.entity_names import bare_title, find_name, name_in_text, surname

About = Literal["title", "perhaps", "other"]
"""``perhaps``: nothing says that it is about another entity than the title's."""

_BORDER = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“‘(\[]*[^\W\d_a-z])|\n+")
_INITIAL = re.compile(
    r"(?:^|[\s.(])(?:[A-Z]|[A-Z][a-z]{1,2}|Prof|Capt|Univ|Kans|Tenn|Mass|Conn|Penn|Miss|Wash|Calif"
    r"|[Nn]o|c|ca|b|d|vs|St)\.\Z"
)
INTRODUCTION = re.compile(
    r"(?:In|On|At|After|Before|During|From|By|Since|Following|As|Until|Between|Around|About)\b[^,;:]{1,70}, "
)
_SUBJECT = re.compile(r"(He|She|They|It)\b")
_OWNER = re.compile(r"(?:His|Her|Their|Its) (?:\w+ ){0,2}?(\w+)")
_KIN = re.compile(
    r"(?:His|Her|Their|(?P<name>.{2,40}?)['’]s?) (?:[a-z]+ ){0,2}?(?:grand|step|half-)?"
    r"(?:father|mother|brother|sister|wife|husband|son|daughter|parents|sons|daughters|brothers"
    r"|sisters|uncle|aunt|nephew|niece|cousin|family|widow|children|child|twin|partner|colleague"
    r"|friend|successor|predecessor|student|teacher)s?\b"
)
_NAME = re.compile(
    r"(?:The )?[^\W\d_a-z][\w'’.-]*(?: (?:of|de|von|van|the|and|&) | )[^\W\d_a-z][\w'’.-]*"
)
_GENDERS = {"He": "he", "She": "she", "They": "they", "It": "it"}


@dataclass(frozen=True, slots=True)
class SentenceAbout:
    """One sentence: where it is, and whether it is about the title's entity."""

    start: int
    end: int
    about: About
    is_of_kin: bool = False
    """It speaks of a relative ("His father …")."""
    is_unsure: bool = False
    """It begins with a pronoun that may mean another entity."""


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where sentences and lines begin and end."""
    start = 0
    for border in _BORDER.finditer(text):
        end = border.start()
        if "\n" not in border.group() and _INITIAL.search(text[max(start, end - 8) : end]):
            continue
        if end > start:
            yield start, end
        start = border.end()
    if start < len(text):
        yield start, len(text)


def names_of_title(title: str, text: str, *, is_person: bool) -> tuple[str, ...]:
    """Return how the text calls the entity of its title, longest first; none if it does not."""
    name = name_in_text(title, text)
    if name is None:
        return ()
    names = {name}
    last = surname(name)
    if is_person and last[:1].isupper():
        names.add(last)
    return tuple(sorted(names, key=len, reverse=True))


def sentences_about(
    text: str, title: str, names: Sequence[str], pronoun: str
) -> list[SentenceAbout]:
    """Return the sentences and what they are about.

    A pronoun means what the sentence before was about; where that is another entity, or the
    pronoun is not the title's, the sentence is not about the title's.

    Args:
        text: of one document.
        title: its title.
        names: how the text calls the entity of the title.
        pronoun: of that entity; empty if unknown.
    """
    found: list[SentenceAbout] = []
    words = set(bare_title(title).split())
    focus: About = "title"
    for start, end in sentence_spans(text):
        head_start = start
        while text[head_start : head_start + 1] in '"“‘([':
            head_start += 1
            if head_start >= end:
                break
        introduction = INTRODUCTION.match(text, head_start, min(end, head_start + 90))
        if introduction:
            head_start = introduction.end()
        head = text[head_start : min(end, head_start + 120)]
        if kin := _KIN.match(head):
            focus = "other"
            owner = kin["name"]
            is_own = owner is None or any(owner.endswith(name) for name in names)
            found.append(SentenceAbout(start, end, "other", is_of_kin=is_own))
            continue
        if subject := _SUBJECT.match(head):
            is_other = focus == "other" or bool(
                pronoun and pronoun != "they" and _GENDERS[subject[1]] != pronoun
            )
            about: About = "other" if is_other else "title"
            found.append(SentenceAbout(start, end, about, is_unsure=is_other))
            continue
        if _OWNER.match(head):
            found.append(SentenceAbout(start, end, "other" if focus == "other" else "perhaps"))
            continue
        about = _by_name(head, names, words)
        focus = "other" if about == "other" else "title"
        found.append(SentenceAbout(start, end, about))
    return found


def _by_name(head: str, names: Sequence[str], words: set[str]) -> About:
    for article in ("", "The ", "the ", "A ", "An "):
        if any(find_name(article + name, head[: len(article + name) + 1]) == 0 for name in names):
            return "title"
    name = _NAME.match(head)
    if name is None:
        return "perhaps"
    is_title = all(word in words or not word[0].isupper() for word in name.group().split())
    return "title" if is_title else "other"
