"""Facts of brackets right behind a name: "(NCAA)", "(Italian: Lago di Garda)", "(son of …)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamlam.trainer.annotation.name_places import name_at
from lamlam.trainer.annotation.sentence_tokens import DEMONYM, words
from lamlam.trainer.documents import Document, StatedFact

_NAME_BEFORE = re.compile(
    r"(?<![\w'’.-])[^\W\d_a-z][\w'’&.-]*(?:,? (?:(?:of|the|and|for|in|on|de|la|du|des|di|to|et|&|y|der|für|und) ){0,3}"
    r"[^\W\d_a-z][\w'’&.-]*)*\Z"
)
_SHORT = re.compile(r"\(([A-Z][A-Za-z&]{0,5}[A-Z])\)")
_LANGUAGE = re.compile(r"(?<=[(;,] )|(?<=\()")
_IN_LANGUAGE = re.compile(r"([A-Z][a-z]+(?: [A-Z][a-z]+| Cyrillic)?): ?")
_ROMANISED = re.compile(r"\([\u3000-\u9fff\uac00-\ud7af]+, (?=[^\W\d_a-z])")
_KIN = re.compile(
    r"(?:father|mother|son|daughter|brother|sister|half brother|half-brother|grandson|grandfather"
    r"|great-grandson|great-grandfather|nephew|uncle|cousin|first cousin|second cousin|husband|wife"
    r"|widow|father-in-law|son-in-law|brother-in-law|great-grandnephew|grandnephew|granduncle"
    r"|stepfather|stepson|niece|aunt) of "
)
_LETTERS = re.compile(r"[^\W\d_]")
_SMALL = frozenset("of the and for in on de la du des di to et y der für und a an at".split())
_LONGEST_NAME = 110
_LONGEST_BRACKET = 260


def facts_of_brackets(document: Document) -> Iterator[StatedFact]:
    """Yield what brackets say of the name before them."""
    text = document.text
    at = text.find("(")
    while at >= 0:
        before = text[max(0, at - _LONGEST_NAME) : max(0, at - 1)]
        if short := _SHORT.match(text, at):
            if name := _spelled_out(short[1], before):
                yield StatedFact(name, "abbreviation", short[1], at + 1)
        else:
            if match := _ROMANISED.match(text, at):
                place = name_at(text, match.end())
                if place is not None and (entity := _entity_before(document, at, before)):
                    yield StatedFact(entity, "romanised name", text[slice(*place)], place[0])
            yield from _of_languages(document, at, before)
            yield from _of_kin(document, at)
        at = text.find("(", at + 1)


def _spelled_out(short: str, before: str) -> str:
    """Return the name before a bracket whose first letters an abbreviation has; empty if none.

    >>> _spelled_out("NBA", "plays in the National Basketball Association")
    'National Basketball Association'
    """
    match = _NAME_BEFORE.search(before)
    if match is None:
        return ""
    parts = match.group().split()
    letters = [one.upper() for one in short if one.isalpha()]
    for first in range(len(parts)):
        name = parts[first:]
        if name[0].lower() in _SMALL:
            continue
        every = [part[0].upper() for word in name for part in re.split("[-–]", word) if part]
        large = [
            part[0].upper()
            for word in name if word.lower() not in _SMALL
            for part in re.split("[-–]", word) if part
        ]  # fmt: skip
        plain = [word[0].upper() for word in name if word.lower() not in _SMALL]
        if letters in (every, large, plain) and len(name) > 1:
            return re.sub(r"['’]s\Z", "", " ".join(name))
    return ""


def _of_languages(document: Document, at: int, before: str) -> Iterator[StatedFact]:
    """Yield the languages of names in a bracket, and those names that Latin letters write."""
    text = document.text
    end = text.find(")", at, at + _LONGEST_BRACKET)
    if end < 0 or ":" not in text[at:end]:
        return
    entity = ""
    for start in _LANGUAGE.finditer(text, at, end):
        match = _IN_LANGUAGE.match(text, start.start(), end)
        if match is None or not _is_language(match[1]):
            continue
        entity = entity or _entity_before(document, at, before)
        if not entity:
            return
        yield StatedFact(entity, "name in", match[1], match.start(1))
        name = name_at(text, match.end())
        if name is not None and text[name[1] : name[1] + 1] in (")", ",", ";") and name[1] <= end:
            said = text[name[0] : name[1]]
            if said != entity:
                yield StatedFact(entity, f"{match[1]} name", said, name[0])


def _entity_before(document: Document, at: int, before: str) -> str:
    if ". " not in document.text[:at] and at < _LONGEST_NAME and before[:1].isupper():
        return document.title
    match = _NAME_BEFORE.search(before)
    return match.group() if match else ""


def _is_language(word: str) -> bool:
    last = word.split()[-1]
    if last == "Cyrillic":
        return True
    return last in words("languages") or DEMONYM.fullmatch(last) is not None


def _of_kin(document: Document, at: int) -> Iterator[StatedFact]:
    """Yield the relatives that the bracket behind a person's name lists."""
    text = document.text
    if at > _LONGEST_NAME or not document.is_person:
        return
    kin = _KIN.match(text, at + 1)
    end = text.find(")", at, at + 2 * _LONGEST_BRACKET)
    while kin is not None and kin.end() < end:
        name = name_at(text, kin.end())
        if name is None:
            return
        yield StatedFact(document.title, kin.group().strip(), text[name[0] : name[1]], name[0])
        following = re.compile(r",? ?(?:and |, )?").match(text, name[1])
        kin = _KIN.match(text, following.end() if following else name[1])
