"""Words of a text: where each stands, and a stem that its inflections share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<blank>_{2,}|\[\s*(?:MASK|BLANK|blank|mask|\.{2,}|…|\?+)\s*\]|<(?:blank|mask|BLANK|MASK)>)"
    r"|(?P<possessive>['’]s\b|(?<=s)['’](?=\s))"
    r"|(?P<word>[^\W_]+(?:['’.\-‐–](?!s\b)[^\W_]+)*)"
    r"|(?P<line>\n+)"
    r"|(?P<mark>[^\w\s])"
)
_IRREGULAR = {
    form: stem
    for stem, forms in {
        "be": "is are was were am been being 's 're isn't aren't wasn't weren't",
        "have": "has had having",
        "do": "does did done doing",
        "will": "would shall should",
        "can": "could may might",
        "the": "a an",
        "write": "wrote written writes writing",
        "sing": "sang sung",
        "win": "won winning winner winners",
        "lead": "led",
        "build": "built",
        "hold": "held",
        "speak": "spoke spoken speaker",
        "teach": "taught",
        "make": "made making",
        "find": "found finds finding",
        "come": "came coming",
        "go": "went gone",
        "give": "gave given giving",
        "take": "took taken taking",
        "grow": "grew grown",
        "draw": "drew drawn",
        "lie": "lies lay lain lying",
        "die": "died dies dying",
        "rise": "rose risen rising rises",
        "run": "ran running",
        "sell": "sold",
        "buy": "bought",
        "fight": "fought",
        "begin": "began begun beginning",
        "wed": "wedded",
        "bear": "bore",
        "know": "knew known",
        "see": "saw seen",
        "say": "said",
        "tell": "told",
        "think": "thought",
        "bring": "brought",
        "meet": "met",
        "leave": "left leaving",
        "rule": "ruled ruling rules",
        "life": "lives",
        "child": "children kids kid",
        "person": "people persons",
        "man": "men",
        "woman": "women",
        "who": "whom",
        "mom": "mum",
        "use": "used uses using",
        "foundd": "founds founding founded",
        "study": "studied studies studying",
        "centre": "center",
        "organis": "organiz organize organized organization organizations organisation organised",
        "colour": "color",
        "headquarter": "headquarters headquartered",
        "tie": "tied ties",
        "serve": "served serves serving",
        "bury": "buried",
        "number": "no num nr no. nos numbers",
        "population": "pop",
        "department": "dept",
        "government": "govt gov't",
        "established": "est",
        "position": "pos",
        "publisher": "publ",
        "temperature": "temp",
    }.items()
    for form in forms.split()
}
_VOWELS = frozenset("aeiouy")
_NO_PLURAL = ("ss", "us", "is")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a mark, a blank or a line end of a text."""

    kind: str
    """``word``, ``mark``, ``possessive``, ``blank`` or ``line``."""
    text: str
    start: int
    end: int

    @property
    def norm(self) -> str:
        """What it is matched by."""
        match self.kind:
            case "word":
                return stem(self.text)
            case "possessive":
                return "'s"
            case "blank":
                return "_"
            case "line":
                return "\n"
        return _MARKS.get(self.text, self.text)


_MARKS = {"—": "-", "–": "-", "“": '"', "”": '"', "’": "'", "‘": "'", "…": "."}


def words_of(text: str, offset: int = 0) -> list[Word]:
    """Return the words and marks of a text, in order."""
    return [
        Word(found.lastgroup or "mark", found[0], found.start() + offset, found.end() + offset)
        for found in _TOKEN.finditer(text)
    ]


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Return what the inflections of an English word have in common, in lower case.

    >>> [stem(word) for word in ("located", "borders", "starring", "Countries", "wrote", "is")]
    ['locat', 'border', 'star', 'country', 'writ', 'be']
    """
    lower = word.casefold().replace("’", "'")
    known = _IRREGULAR.get(lower)
    if known is not None:
        return _without_e(known)
    if len(lower) < 4 or not lower.isalpha():
        return lower
    return _without_e(_without_ending(lower))


def _without_ending(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and not _VOWELS.isdisjoint(rest):
            if rest[-1] == rest[-2] and rest[-1] not in "lsz":
                return rest[:-1]
            return rest
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(_NO_PLURAL):
        return word[:-1]
    return word


def _without_e(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_SUFFIXES = (
    "ational ation ition ment ance anc ence enc ship ness ity ion ist ism ative ive iv al or er ant"
    " ent ic at y"
).split()
_ROOTS = {
    "death": "die",
    "dead": "die",
    "birth": "born",
    "marriag": "marry",
    "foundd": "found",
    "foundation": "found",
    "nationality": "nation",
    "sold": "sell",
    "sale": "sell",
    "sal": "sell",
    "writ": "writ",
    "writer": "writ",
    "song": "sing",
    "singer": "sing",
    "choic": "choos",
    "chos": "choos",
    "chosen": "choos",
    "life": "liv",
    "speech": "speak",
    "thought": "think",
    "descent": "descend",
    "burial": "bury",
    "arrival": "arriv",
    "winner": "win",
}
_SHORTEST_ROOT = 4


@lru_cache(maxsize=16384)
def root(stem: str) -> str:
    """Return what a stem and the words derived from it have in common.

    >>> root(stem("participated")) == root(stem("Participation")), root(stem("retirement"))
    (True, 'retir')
    """
    known = _ROOTS.get(stem)
    if known is not None:
        return known
    for suffix in _SUFFIXES:
        rest = stem.removesuffix(suffix)
        if rest != stem and len(rest) >= _SHORTEST_ROOT:
            return _without_e(rest)
    return stem
