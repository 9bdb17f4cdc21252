"""Clubs that a person played for, and the leagues of clubs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lamlam.trainer.annotation.name_places import name_at, names_listed_at
from lamlam.trainer.annotation.sentence_tokens import DEMONYM
from lamlam.trainer.annotation.subjects import SentenceAbout
from lamlam.trainer.documents import Document, StatedFact

_PLAYS = re.compile(
    r"\b(?P<verb>play(?:s|ed|ing)|player|footballer|goalkeeper|goaltender|midfielder|defender|striker|forward|winger"
    r"|defenceman|defenseman|pitcher|catcher|outfielder|infielder|shortstop|baseman|quarterback|linebacker"
    r"|cornerback|safety|guard|center|tackle|end|receiver|kicker|punter|halfback|fullback|back|wicket-keeper"
    r"|batsman|bowler|cricketer|cyclist|appearances|games|seasons|matches|career|coach|manager)\b"
    r"(?P<between>[^.;,()]{0,70}?) (?:for|with) (?:the )?(?=[A-Z])"
)
_STOPS = re.compile(
    r"\b(?:who|which|that|where|when|while|against|because|record|trophy|award|known|named|trained|not|and)\b"
)
_SAID = {"plays": "plays", "playing": "plays", "coach": "coach", "manager": "manager"}
"""The relation's word; all positions and games are of those who played."""
_KIN = re.compile(
    r"\b(?:father|mother|brother|son|wife|sister|grandfather|uncle|husband|daughter|cousin|twin|nephew)s?\b"
    r"|, (?:who|whose)\b"
)
_LEAGUE = re.compile(r" (?:in|of) (?:the |[A-Z][a-z]+'s? )?(?=[A-Z])")
_IS_LEAGUE = re.compile(
    r"(?:League|Liga|Division|Conference|Association|Championship|NHL|NBA|NFL|MLB|AFL|AHL|WNBA|MLS|NRL|CFL|Premiership|Superliga|Super Lig|Serie [A-D]"
    r"|Bundesliga|Eredivisie|Allsvenskan|Ligue|Ekstraklasa|Baseball|Soccer|Basket|A-League|Superleague|J1|J2|Cup)(?: (?:One|Two|Three|I+|[A-D1-4]|South|North|East|West))?\Z"
)
_OF_LEAGUE = re.compile(r"\b(?:for|with|by|joined|joining|to) (?:the )?(?=[A-Z])")


def facts_of_players(
    document: Document, sentences: Sequence[SentenceAbout]
) -> Iterator[StatedFact]:
    """Yield the clubs that the person of a document plays or played for, and their leagues."""
    is_person = document.is_person
    for sentence in sentences:
        if is_person and sentence.about != "other" and not sentence.is_unsure:
            yield from _clubs(document, sentence)
        yield from _leagues(document, sentence)


def _clubs(document: Document, sentence: SentenceAbout) -> Iterator[StatedFact]:
    text, at = document.text, sentence.start
    while match := _PLAYS.search(text, at, sentence.end):
        at = match.end("verb")
        is_of_kin = _KIN.search(text, sentence.start, match.start())
        if is_of_kin or _STOPS.search(match["between"]):
            continue
        verb = _SAID.get(match["verb"], "played")
        for start, end in names_listed_at(text, match.end()):
            if DEMONYM.fullmatch(text[start:end]) is None:
                yield StatedFact(document.title, f"{verb} for", text[start:end], start)


def _leagues(document: Document, sentence: SentenceAbout) -> Iterator[StatedFact]:
    text = document.text
    for match in _OF_LEAGUE.finditer(text, sentence.start, sentence.end):
        club = name_at(text, match.end())
        if club is None or not (following := _LEAGUE.match(text, club[1])):
            continue
        league = name_at(text, following.end())
        if league is not None and _IS_LEAGUE.search(text[slice(*league)]):
            yield StatedFact(text[slice(*club)], "league", text[slice(*league)], league[0])
