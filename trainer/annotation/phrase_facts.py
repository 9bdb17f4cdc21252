"""Facts of phrases that say whose they are wherever they stand, such as "Juice (1992)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamlam.trainer.annotation.bracket_facts import facts_of_brackets
from lamlam.trainer.annotation.place_chains import facts_of_place_chains
from lamlam.trainer.annotation.sentence_tokens import DEMONYM
from lamlam.trainer.documents import Document, StatedFact

_DATED_NAME = re.compile(
    r"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )(?P<name>(?:The )?[^\W\d_a-z][\w'’-]*(?: (?:(?:of|the|and|in|to|a|an|on|for|with|at|from|by|is|my|your|de|la|le|el|vs\.) ){0,2}"
    r"[^\W\d_a-z][\w'’-]*){0,9}) \((?P<year>(?:1\d|20)\d\d)\)"
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
    r"(?P<name>(?:The )?[A-Z][\w'’.-]*\w(?: (?:(?:of|de|von|van|the) )?[A-Z][\w'’.-]*\w){0,9})"
)
_PLACED = re.compile(
    r"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )(?P<name>[A-Z][\w'’-]*(?: (?:(?:of|for|and|the|of the) )?(?:[A-Z]\.|[A-Z][\w'’-]*)){1,9})"
    r"(?P<where> in |, )(?P<place>[A-Z][\w'’-]*(?: [A-Z][\w'’-]*){0,9})(?=[,;)]|\.(?:\s|$)| (?:and|in|on|from|to|where|which|until|before|after)\b)"
)
_PLACED_KINDS = frozenset(
    "School University College Church Museum Park Stadium Hospital Theatre Theater Hotel Institute"
    " Academy Library Station Airport Cathedral Arena Seminary Cemetery Prison Castle Palace"
    " Chapel Hall Centre Center Abbey Monastery"
    " Temple Mosque Synagogue Gallery Observatory Zoo Aquarium Clinic Laboratory Speedway Raceway"
    " Racecourse Racetrack Ballpark Coliseum Fairgrounds Monument Memorial Garden Barracks Harbour"
    " Harbor Dam Lighthouse Opera Polytechnic Gymnasium Convent Priory Tower Mall Plaza"
    " Campus County".split()
)
_EVENTS = frozenset("Olympics Paralympics Games Championship Conference Festival".split())
_SPORTS = frozenset("Athletics Swimming Aquatics Cycling Rowing Badminton Judo Chess".split())
_YEAR_BEFORE = re.compile(r"(?:1[89]|20)\d\d \Z")
_CENSUS = re.compile(
    r"\b(?:at|in|to|of|by|from|per) the (?P<year>(?:1[89]|20)\d\d) (?:[A-Z][\w.]* |national |federal |population ){0,3}[Cc]ensus\b"
)
_NO_NAMES = frozenset(
    "In On At By From And But With For January February March April May June July August September October November December".split()
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
        kind = name.split()[-1]
        is_event = kind.rstrip("s") in _EVENTS or kind in _EVENTS
        is_place = is_event or kind.rstrip("s") in _PLACED_KINDS
        if not is_place or " " not in name or (is_event and match["where"] == ", "):
            continue
        year = _YEAR_BEFORE.search(document.text, max(0, match.start() - 5), match.start())
        if is_event and year is None:
            continue
        name = year.group() + name if year else name
        if match["place"] not in _SPORTS:
            yield StatedFact(name, "location", match["place"], match.start("place"))
    yield from facts_of_place_chains(document.text)
    yield from facts_of_brackets(document)
    for match in _CENSUS.finditer(document.text):
        yield StatedFact(document.title, "census year", match["year"], match.start("year"))
