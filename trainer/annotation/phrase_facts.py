"""Facts of phrases that say whose they are wherever they stand, such as "Juice (1992)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from lamlam.trainer.annotation.sentence_tokens import DEMONYM, words
from lamlam.trainer.documents import Document, StatedFact

_DATED_NAME = re.compile(
    r"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )(?P<name>(?:The )?[^\W\d_a-z][\w'’-]*(?: (?:(?:of|the|and|in|to|a|an|on|for|with|at|from|by|is|my|your|de|la|le|el|vs\.) ){0,2}"
    r"[^\W\d_a-z][\w'’-]*)*) \((?P<year>(?:1\d|20)\d\d)\)"
)
# "American singer Ada Quill": a role and a name behind the adjective.
_NATIONAL = re.compile(
    r"(?<![\w'’-])(?P<nation>[A-Z][a-z]+(?:-[A-Z][a-z]+)?) (?:[a-z-]+ ){0,2}?"
    r"(?:singer|actor|actress|director|producer|writer|author|novelist|composer|musician|rapper|artist"
    r"|poet|singer-songwriter|songwriter|filmmaker|playwright|journalist|politician|physicist|chemist"
    r"|mathematician|philosopher|historian|architect|engineer|painter|sculptor|footballer|comedian"
    r"|guitarist|screenwriter|explorer|businessman|scientist|photographer|general|admiral|band|model"
    r"|astronomer|botanist|golfer|wrestler|boxer|cyclist|swimmer|duo|trio|group|brand|company"
    r"|newspaper|magazine|player|driver|entrepreneur|economist|officer|cartoonist|illustrator|dj|DJ) "
    r"(?P<name>(?:The )?[A-Z][\w'’.-]*\w(?: (?:(?:of|de|von|van|the) )?[A-Z][\w'’.-]*\w)*)"
)
_PLACED = re.compile(
    r"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )(?P<name>[A-Z][\w'’-]*(?: (?:(?:of|for|and|the|of the) )?(?:[A-Z]\.|[A-Z][\w'’-]*))+)"
    r"(?: in |, )(?P<place>[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)(?=[,;)]|\.(?:\s|$)| (?:and|in|on|from|to|where|which|until|before|after)\b)"
)
_PLACED_KINDS = frozenset(
    "School University College Church Museum Park Stadium Hospital Theatre Theater Hotel Institute"
    " Academy Library Station Airport Cathedral Arena Seminary Cemetery Prison Castle Palace"
    " Campus County".split()
)
_CENSUS = re.compile(
    r"\b(?:at|in|to|of|by|from|per) the (?P<year>(?:1[89]|20)\d\d) (?:[A-Z][\w.]* |national |federal |population ){0,3}[Cc]ensus\b"
)
_NO_NAMES = frozenset(
    "In On At By From And But With For January February March April May June July August September October November December".split()
)


@cache
def _in_region() -> re.Pattern[str]:
    """Return the pattern of a place and the state or country that it is in."""
    regions = "|".join(map(re.escape, sorted(words("regions"), key=lambda one: (-len(one), one))))
    return re.compile(
        rf"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )(?P<name>[A-Z][\w'’-]*(?: (?:(?:of|the|de|del|and) )?[A-Z][\w'’-]*)*), "
        rf"(?P<place>{regions})(?![\w'’-]| [A-Z])"
    )


def facts_of_phrases(document: Document) -> Iterator[StatedFact]:
    """Yield facts of phrases that say whose they are wherever they stand."""
    for match in _DATED_NAME.finditer(document.text):
        if match["name"].split()[0] not in _NO_NAMES and match["name"] != document.title:
            yield StatedFact(match["name"], "year", match["year"], match.start("year"))
    for match in _NATIONAL.finditer(document.text):
        if match["name"].split()[0] not in _NO_NAMES and DEMONYM.fullmatch(match["nation"]):
            yield StatedFact(match["name"], "nationality", match["nation"], match.start("nation"))
    for match in _PLACED.finditer(document.text):
        name = match["name"]
        if name.split()[-1].rstrip("s") in _PLACED_KINDS and " " in name:
            yield StatedFact(name, "location", match["place"], match.start("place"))
    for match in _in_region().finditer(document.text):
        is_list = match["name"] in words("regions")  # of countries
        if match["name"].split()[0] not in _NO_NAMES and not is_list:
            yield StatedFact(match["name"], "location", match["place"], match.start("place"))
    for match in _CENSUS.finditer(document.text):
        yield StatedFact(document.title, "census year", match["year"], match.start("year"))
