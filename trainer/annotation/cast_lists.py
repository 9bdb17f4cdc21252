"""Cast lists: who plays in a film or series, and whom ("stars Ada Quill as Lil, and Tom Ferris")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.annotation.name_places import Span, name_at
from lamlam.trainer.annotation.sentence_tokens import NAME
from lamlam.trainer.annotation.subjects import SentenceAbout
from lamlam.trainer.documents import Document, StatedFact

_WORK = re.compile(
    r"\b(?:is|was) (?:an?|the) [^.;:]{0,90}?\b(?:film|series|sitcom|movie|miniseries|serial|short|anime|play|musical"
    r"|soap opera|drama|comedy|thriller|western|telefilm|anthology|sequel|remake|documentary|show)\b"
)
_CAST = re.compile(
    r"\b(?:starring|stars|stars the voices of|(?:starring|featuring|features) the voices of|voice talents of|[Aa]ctors include|co-starring|featuring|(?:supporting |ensemble )?cast (?:also )?(?:of|includes|including|features|featuring|consists of|comprising))"
    r" (?=[A-Z])"
)
_OF_ANOTHER = re.compile(
    r"\b(?:film|series|novel|play|album|song|video|book|show|movie|remake of|sequel to|version of|named|called|titled) (?:the )?[A-Z][^,;]*,? *\Z"
)
_SOMETHING = re.compile(
    r"(?:[,)] |\b(?:and|film|series|movie|comedy|drama|western|thriller|short|serial|cast|musical|sitcom|show|also) |[A-Z][\w'’.-]* )\Z"
)
_ROLE = re.compile(r" as (?P<words>[^,.;()]*?)(?= \(|,|[.;)]| and (?:the )?[A-Z]| with [A-Z]|$)")
_PART = re.compile(r",? in (?:the |a |an |his |her )?(?:[a-z-]+ ){0,3}?(?:roles?|parts?)(?= and|,)")
_BRACKET = re.compile(r" \((?P<said>[^()]{1,40})\)")
_NEXT = re.compile(
    r"(?:, and |, with | and |, | & |,? along with |,? alongside |, co-starring )(?=[A-Z])"
)
_JUNIOR = re.compile(r", (?:Jr|Sr)\.")
_NOBODY = re.compile(r"(?:'s|’s|'|’)\Z")
_PEOPLE_WORDS = 2


@dataclass(frozen=True, slots=True)
class CastMember:
    """Where an actor's name stands, and the name of the role, if it is given."""

    actor: Span
    role: Span | None = None


def cast_at(text: str, at: int, end: int) -> list[CastMember]:
    """Return the members of a cast list that begins at a place."""
    members: list[CastMember] = []
    while at < end:
        match = NAME.match(text, at)
        if match is None or match.end() > end or _NOBODY.search(match.group()):
            break
        junior = _JUNIOR.match(text, match.end())
        actor_end = stop = junior.end() if junior else match.end()
        if bracket := _BRACKET.match(text, stop):
            stop = bracket.end()
        role = None
        if text.startswith(" as ", stop):
            tail = _ROLE.match(text, stop, end)
            if tail is None:
                break
            role = _role_in(text, tail)
            stop = tail.end()
        elif (
            junior is None and not _PART.match(text, stop) and name_at(text, match.start()) is None
        ):
            break
        if part := _PART.match(text, stop, end):
            stop = part.end()
        members.append(CastMember((match.start(), actor_end), role))
        following = _NEXT.match(text, stop)
        if following is None:
            break
        at = following.end()
    return members


def _role_in(text: str, tail: re.Match[str]) -> Span | None:
    """Return the place of a role that is a name and nothing else."""
    start = tail.start("words")
    name = NAME.match(text, start)
    return name.span() if name is not None and name.end() == tail.end() else None


def facts_of_cast(document: Document, sentences: Sequence[SentenceAbout]) -> Iterator[StatedFact]:
    """Yield who plays in the film or series that a document is about."""
    text = document.text
    if document.is_person or not _WORK.search(text, 0, 400):
        return
    for sentence in sentences:
        if sentence.about == "other" or sentence.is_unsure:
            continue
        for match in _CAST.finditer(text, sentence.start, sentence.end):
            if _OF_ANOTHER.search(text, max(sentence.start, match.start() - 80), match.start()):
                continue
            if "cast" not in match.group() and not _SOMETHING.search(
                text, max(sentence.start, match.start() - 40), match.start()
            ):
                continue  # "two scenes featuring Ada Quill"
            members = cast_at(text, match.end(), sentence.end)
            for member in members:
                actor = text[slice(*member.actor)]
                if " " not in actor and len(members) < _PEOPLE_WORDS:
                    continue
                yield StatedFact(document.title, "starring", actor, member.actor[0])
                if member.role is not None:
                    yield StatedFact(actor, "role", text[slice(*member.role)], member.role[0])
