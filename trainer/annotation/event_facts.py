"""Events that a sentence says its subject took part in: "at the 2004 Summer Olympics"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lamlam.trainer.annotation.name_places import names_listed_at
from lamlam.trainer.annotation.subjects import SentenceAbout
from lamlam.trainer.documents import Document, StatedFact

_EVENT = re.compile(r"\b(at|in|during) (?:the |both the )?(?=(?:1[89]|20)\d\d [A-Z])")
_SEASON = re.compile(
    r"\b(?:in|during|for|of) (?:the |its )?(?P<season>(?:1[89]|20)\d\d(?:[-–]\d\d)? [A-Z][\w.'’-]*"
    r"(?: [A-Z][\w.'’-]*){0,6}(?: [a-z]+){0,2} seasons?)\b"
)
_KIND = re.compile(
    r"(?:Olympics|Paralympics|Games|Championships?|Cup|Festival|Open|Draft|Universiade|Trophy|Masters"
    r"|Marathon|Prix|Finals?|Bowl|Classic|Tournament|Euro)\Z"
)
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_DOING = re.compile(
    r"\b(competed|competes|won|represented|finished|placed|participated|played|qualified|raced|swam|debuted"
    r"|reached|selected|drafted|premiered|screened|sailed|rowed|wrestled|fought|eliminated|nominated"
    r"|awarded|earned|captained|coached|refereed|took part)\b"
)
_OTHERS = re.compile(
    r"\b(?:who|which|where|when|while|that|after|before|until|since|because|whose|lost to|behind|than|not)\b|;"
)


def facts_of_events(document: Document, sentences: Sequence[SentenceAbout]) -> Iterator[StatedFact]:
    """Yield the events at which the title's entity did something, with the verb as relation."""
    text = document.text
    if sentences and _YEAR.match(document.title):
        for match in _SEASON.finditer(text, 0, sentences[0].end):
            yield StatedFact(document.title, "season", match["season"], match.start("season"))
    for sentence in sentences:
        if sentence.about == "other" or sentence.is_unsure or sentence.is_of_kin:
            continue
        for match in _EVENT.finditer(text, sentence.start, sentence.end):
            every = list(_DOING.finditer(text, sentence.start, match.start()))
            doing = every[-1] if every else None
            if doing is None or _OTHERS.search(text, doing.end(), match.start()):
                continue
            for start, end in names_listed_at(text, match.end()):
                if _KIND.search(text[start:end]):
                    relation = f"{doing[1]} {'at' if match[1] == 'during' else match[1]}"
                    yield StatedFact(document.title, relation, text[start:end], start)
