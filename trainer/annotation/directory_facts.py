"""Facts of biographies in the style of directories: parts between semicolons, all of one person.

"attended Lowmere Academy, and Harrow College, Bath, Ohio; mayor, Lowmere, 1886-1902;
elected as a Republican to the Fiftieth and Fifty-first Congresses": each part begins with
what the person did, and names follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamlam.trainer.annotation.name_places import name_at
from lamlam.trainer.annotation.sentence_tokens import NAME
from lamlam.trainer.documents import Document, StatedFact

_LEAST_SEMICOLONS = 3
_PART = re.compile(r"[^;]+")
_ORDINAL = r"(?:One Hundred (?:First|Second|Third|Fourth|Fifth|Sixth|Seventh|Eighth|Ninth|Tenth|[A-Z][a-z]+th)|First|Second|Third|Fourth|Fifth|Sixth|Seventh|Eighth|Ninth|Tenth|[A-Z][a-z]+(?:th|nth|fth)|[A-Z][a-z]+-(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth))"
_CONGRESSES = re.compile(
    rf"\b{_ORDINAL}(?: Congress)?(?:(?:,? and (?:to the )?|, (?:to the )?){_ORDINAL})*(?: Congress(?:es)?|(?= and to the [a-z]+ succeeding))"
)
_ONE = re.compile(rf"{_ORDINAL}(?: Congress(?:es)?)?")
_VERB = re.compile(
    r"\b(?:was |were )?(?:not )?(?:a |an )?(elected|reelected|unsuccessful candidate|unsuccessful Republican candidate"
    r"|unsuccessful Democratic candidate|unsuccessful for|unsuccessfully contested|candidate for|presented credentials"
    r"|appointed)\b"
)
_SCHOOLS = re.compile(
    r"\b(attended|graduated|educated|graduate|studied|pursued|B\.A\.|B\.S\.|A\.B\.|M\.A\.|M\.S\.|J\.D\.|LL\.B\.|LL\.M\.|M\.B\.A\.|Ph\.D\.|M\.P\.A\.|M\.D\.|B\.B\.A\.|M\.Ed\.|A\.A\.|A\.M\.|Ed\.D\.|M\.Div\.)"
)
_DEGREE = re.compile(
    r"\s*(?P<degree>(?:[A-Z][A-Za-z]{0,3}\.){2,4}), [^;]+, (?P<year>(?:1[89]|20)\d\d)\.?"
)
_IS_SCHOOL = re.compile(
    r"\b(?:School|Schools|College|University|Academy|Institute|Seminary|Polytechnic|Gymnasium)\b"
)
_SERVICE = re.compile(
    r"\b(?:(?:Union|Confederate|Continental|United States|Federal|Regular|Confederate States|State) (?:Army|Navy|Marine Corps|Air Force|Volunteers|Coast Guard|Army Reserve|Army Air Corps|Naval Reserve|Militia)"
    r"|(?:United States|U\.S\.) (?:Army Air Forces|Naval Reserve|Army Reserve|Air Force Reserve)|Air National Guard|Army National Guard|National Guard|Revolutionary Army|Revolutionary War|Civil War"
    r"|First World War|Second World War|Spanish-American War|Mexican War|World War I+|War of 1812|Korean War|Vietnam War)\b"
)
_SERVED = re.compile(
    r"\b(served|enlisted|entered|veteran|during|commissioned|joined|member|lieutenant|captain|major|colonel|private|sergeant|general|surgeon)\b"
)
_ROLE = re.compile(
    r"\s*(?:and )?(?P<role>(?:[a-z-]+ ){0,3}?[a-z]+(?: to the [a-z]+)?), (?P<name>(?=[A-Z]))"
)
_COMMITTEE = re.compile(
    r"\b(?P<role>chairman|chair|cochairman|co-chair|vice chairman|ranking member|member), "
    r"(?P<name>(?:Select |Joint |Special |Permanent Select )?(?:Committee|Subcommittee|Commission) on [A-Z][^;()]{2,90}?)(?= \(|;)"
)
_IS_OTHER = re.compile(
    r"\b(?:born|died|buried|was|were|had|in|at|of|interment|moved|son|a|successful|candidate)\b"
)
_NOW = re.compile(r" \((?:now|later)(?: the)? (?=[A-Z])")


_CHAMBER = re.compile(
    r"(?:United States Senate|State Assembly|State Senate|Continental Congress)\b"
)


_CHANCES = {
    "elected": "elected to", "reelected": "elected to", "appointed": "elected to",
    "unsuccessful candidate": "candidate for", "unsuccessful Republican candidate": "candidate for",
    "unsuccessful Democratic candidate": "candidate for", "candidate for": "candidate for",
}  # fmt: skip


def is_directory(document: Document) -> bool:
    """Return whether a document is a biography in parts between semicolons."""
    return document.is_person and document.text.count(";") >= _LEAST_SEMICOLONS


def facts_of_directories(document: Document) -> Iterator[StatedFact]:
    """Yield what the parts of a directory's biography say of its person."""
    if not is_directory(document):
        return
    text = document.text
    for match in _PART.finditer(text):
        start, end = match.span()
        yield from _of_congresses(document, start, end)
        yield from _of_schools(document, start, end)
        yield from _of_service(document, start, end)
        yield from _of_roles(document, start, end)


def _fact(document: Document, relation: str, start: int, end: int) -> StatedFact:
    return StatedFact(document.title, relation, document.text[start:end], start)


def _of_congresses(document: Document, start: int, end: int) -> Iterator[StatedFact]:
    text = document.text
    for match in _CHAMBER.finditer(text, start, end):
        before = text[start : match.start()]
        verbs = _VERB.findall(before)
        if verbs and verbs[-1] in ("elected", "reelected", "appointed"):
            if before.endswith(" to the "):
                yield _fact(document, f"{verbs[-1]} to", *match.span())
    for match in _CONGRESSES.finditer(text, start, end):
        before = text[start : match.start()]
        verbs = _VERB.findall(before)
        if before.endswith("("):
            relation = "chairman in" if "chair" in before else ""
        elif verbs and before.endswith(" to the "):
            relation = _CHANCES.get(verbs[-1], "")
        elif before.endswith((" in the ", " during the ")):
            relation = "member of" if "vacancy" not in before else ""
        else:
            relation = ""
        if relation == "candidate for" and "reelection" in before:
            relation = "candidate for reelection to"
        if relation:
            for one in _ONE.finditer(text, match.start(), match.end()):
                yield _fact(document, relation, one.start(), one.end())


def _of_schools(document: Document, start: int, end: int) -> Iterator[StatedFact]:
    text = document.text
    first = _SCHOOLS.search(text, start, end)
    if first is None or first.start() > start + 40:
        return
    if dated := _DEGREE.fullmatch(text, start, end):
        yield _fact(document, f"{dated['degree']} in", dated.start("year"), dated.end("year"))
    relation = ""
    at = first.start()
    for match in NAME.finditer(text, first.end(), end):
        for verb in _SCHOOLS.finditer(text, at, match.start()):
            relation = {"graduated": "graduated from", "graduate": "graduated from"}.get(
                verb[1], verb[1] if "." in verb[1] else "attended"
            )
        at = match.start()
        if _IS_SCHOOL.search(match.group()) and relation:
            is_cut = text[max(0, match.start() - 2) : match.start()] == ") "  # "(Conn.) Law School"
            if is_cut or text[match.end() : match.end() + 2] in ("'s", "’s"):
                continue
            yield _fact(document, relation, match.start(), match.end())
            if now := _NOW.match(text, match.end()):
                name = name_at(text, now.end())
                if name is not None:
                    said = text[name[0] : name[1]]
                    yield StatedFact(match.group(), "later name", said, name[0])


def _of_service(document: Document, start: int, end: int) -> Iterator[StatedFact]:
    text = document.text
    for match in _SERVICE.finditer(text, start, end):
        if _SERVED.search(text, start, match.start()):
            yield _fact(document, "served in", *match.span())


def _of_roles(document: Document, start: int, end: int) -> Iterator[StatedFact]:
    text = document.text
    if (match := _ROLE.match(text, start, end)) and (name := name_at(text, match.end())):
        role = match["role"]
        if "chair" not in role and not _IS_OTHER.search(role):
            yield _fact(document, role, *name)
    for match in _COMMITTEE.finditer(text, start, end):
        yield _fact(document, match["role"], *match.span("name"))
