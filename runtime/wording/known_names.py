"""The names in a text that memory holds: any position, any letter case, longest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

from lamlam.memory_backends.model.name_spellings import AFTER, BEFORE
from lamlam.memory_backends.model.text_names import KnownName, longest, spelt
from lamlam.memory_backends.model.words import stem
from lamlam.memory_backends.resolution.known_words import is_common_word
from lamlam.runtime.wording.lexicon import relation_words, shared_names
from lamlam.runtime.wording.phrases import CLASSES, flags_of

MOST_NAME_WORDS = 12
MOST_WORDS = 96
"""Of the end of a text that are searched for names."""
_WORD = re.compile(r"\S+")


Probe = Callable[[Collection[str]], Collection[str]]
"""Returns which of the names memory holds."""


def known_names(
    text: str, probe: Probe, start: int = 0, exactly: Probe | None = None
) -> list[KnownName]:
    """Return the names of the end of a text that memory holds, in order, none inside another.

    Capitalised stretches come first; words in lower case are names only where there is no other.

    Args:
        start: where the sentence begins whose names are wanted; a name may begin a little before.
        exactly: asked about long stretches, whose other spellings are not worth the time.
    """
    words = _words_from(text, start)
    found = _longest(_stretches(text, words, capitals=True), probe, exactly)
    found = [
        one for one in found if not (is_part_of_name(text, one) or _ends_name(text, one, words))
    ]
    if found or strange_names(text, start):
        return found
    found = _longest(_stretches(text, words, capitals=False), exactly or probe, exactly)
    return [
        one
        for one in found
        if not (" " not in one.name and _says_relation(one.name))
        and not _begins_small_name(text, one)
    ]


def strange_names(text: str, start: int = 0) -> list[KnownName]:
    """Return the capitalised stretches of a text that are names, whoever knows them.

    Beside them a word in lower case is a word, also where memory has such a title: "born" in
    "Where was Ada Quill born?". A common word that begins the sentence is none of them.
    """
    return [
        one
        for one in capital_runs(text, start)
        if " " in one.name
        or not _begins_sentence(text, one.start)
        or not (_is_text(one.name) and is_common_word(one.name.casefold()))
    ]


def _begins_sentence(text: str, place: int) -> bool:
    before = text[max(0, place - 4) : place].rstrip(" \"'“‘(*_-")
    return not before or before[-1] in ".?!:\n"


def _is_text(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _says_relation(word: str) -> bool:
    """Return whether a word in lower case is one that names relations: "capital", "born"."""
    return stem(word) in relation_words()


def _begins_small_name(text: str, name: KnownName) -> bool:
    """Return whether a word in lower case goes on as a name may: "magic" in "the magic flute"."""
    first, _, rest = name.name.partition(" ")
    has_article = first.casefold() in _ARTICLES
    if " " in rest or (rest and not has_article):
        return False
    before = _ARTICLE_BEFORE.search(text, max(0, name.start - 5), name.start)
    after = _SMALL_AFTER.match(text, name.end)
    if not (before or has_article) or after is None or after[1] in _no_names():
        return False
    return not (_says_relation(after[1]) or flags_of(stem(after[1])))


_ARTICLE_BEFORE = re.compile(r"(?<!\w)(?:the|an?) \Z", re.IGNORECASE)
_SMALL_AFTER = re.compile(r" ([a-z]{3,})(?!\w)")
_ARTICLES = frozenset(("the", "a", "an"))


def is_part_of_name(text: str, name: KnownName) -> bool:
    """Return whether a name of one word stands beside another capital: "War" in "Civil War".

    So does "The Magic" in "The Magic Flute": an article makes no second word.
    """
    first, _, rest = name.name.partition(" ")
    if " " in rest or (rest and first.casefold() not in _ARTICLES):
        return False
    before = re.search(r"(\S+) $", text[max(0, name.start - 40) : name.start])
    after = re.match(r" (\S+)", text[name.end : name.end + 40])
    if after and after[1][:1].isupper() and after[1].strip(AFTER).casefold() not in _no_names():
        return True
    if not before or not before[1][:1].isupper():
        return False
    if before[1][-1] in AFTER and not _INITIAL.match(before[1]):
        return False
    word = before[1].casefold().strip(BEFORE)
    begins = name.start - len(before[0]) <= 0 or text[
        name.start - len(before[0]) - 2 : name.start - len(before[0])
    ].strip()[-1:] in (".", "?", "!", ":", "", "\n")
    return word not in _no_names() and word not in _TITLES and not begins


def _ends_name(text: str, name: KnownName, words: list[tuple[int, int]]) -> bool:
    """Return whether a name is the end of a longer one: Japan in "the Central Bank of Japan"."""
    before = [place for place in words if place[1] <= name.start]
    if len(before) < 2 or _word(text, before[-1]) not in ("of", "for"):
        return False
    head = 1
    while head < len(before) and text[before[-head - 1][0]].isupper():
        head += 1
    n_capitals = head - 1
    if n_capitals == 0 or _word(text, before[-2]) in _no_names():
        return False
    first = before[-head]
    if _begins_sentence(text, first[0]):  # its capital says nothing: "Capital of Norway"
        n_capitals -= 1
    if n_capitals <= 0:
        return False
    # "What is the Capital of Norway?", "The Prime Minister of Japan is"
    named = tuple(stem(_word(text, place)) for place in before[-head:-1])
    lead = _word(text, before[-head - 1]) if head < len(before) else ""
    is_relation = any(named[n:] in shared_names() for n in range(len(named)))
    is_relation = is_relation or (n_capitals == 1 and lead in ("the", "what", "which"))
    return not is_relation or lead in ("of", "for")


_TITLES = frozenset(
    "president king queen prince princess sir dame lord lady pope saint st dr mr mrs ms prof professor"
    " general captain emperor empress senator governor mayor colonel admiral".split()
)
_INITIAL = re.compile(r"[^\W\d_]\.$")


def capital_runs(text: str, start: int = 0) -> list[KnownName]:
    """Return the longest stretches of capitalised words, which memory may hold spelt otherwise."""
    words = [place for place in _words_from(text, start) if place[0] >= start]
    runs: list[list[tuple[int, int]]] = [[]]
    for begin, end in words:
        inner = text[begin:end].strip(BEFORE + AFTER)
        if inner[:1].isupper() or (runs[-1] and inner.casefold() in _PARTICLES):
            runs[-1].append((begin, end))
        else:
            runs.append([])
            continue
        if text[end - 1] in ",;:.!?" and len(inner) > 1:
            runs.append([])
    names = []
    for run in runs:
        while run and _word(text, run[-1]) in _PARTICLES | _no_names():
            run.pop()
        while run and _leads_in(text, run):
            run.pop(0)
        if run and len(run) <= MOST_NAME_WORDS:
            names += spelt(text, run[0][0], run[0][1], run[-1][1])[:1]
    return names


def _leads_in(text: str, run: list[tuple[int, int]]) -> bool:
    """Return whether the first word of a run stands before a name rather than in it.

    An article with a capital inside a sentence belongs to it: "Who composed The Magic Flute?".
    """
    word = _word(text, run[0])
    if word in _ARTICLES and len(run) > 1:
        return _begins_sentence(text, run[0][0]) or not text[run[0][0]].isupper()
    return is_no_name(word)


def is_no_name(word: str) -> bool:
    """Return whether a word in small letters is no name by itself: "what", "what's"."""
    return word.replace("’", "'").partition("'")[0] in _no_names()


_PARTICLES = frozenset("of the and de la le van von der den di da du del bin ibn al y e".split())


def _word(text: str, place: tuple[int, int]) -> str:
    return text[place[0] : place[1]].strip(BEFORE + AFTER).casefold()


def _words_from(text: str, start: int) -> list[tuple[int, int]]:
    """Return the last words, those from a place on and three before it.

    They are searched from where long texts need not be read up to.
    """
    begin = max(0, len(text) - 24 * MOST_WORDS)
    words = [word.span() for word in _WORD.finditer(text, begin)][-MOST_WORDS:]
    first = next((n for n, (_, end) in enumerate(words) if end > start), len(words))
    return words[max(0, first - _WORDS_BEFORE) :]


_WORDS_BEFORE = 3
"""Of a name before what looks like the beginning of a sentence: "Dr. No", "What's Up, Doc? Again"."""


def _is_capital(word: str) -> bool:
    return any(letter.isupper() or letter.isdigit() for letter in word)


def _stretches(text: str, words: list[tuple[int, int]], *, capitals: bool) -> Iterator[KnownName]:
    """Yield stretches that may be names, the longest of each first word first.

    Args:
        capitals: those with a capital letter or digit, which the first word has, or one soon
            after it ("congress of Berlin"); else those without.
    """
    is_capital = [_is_capital(text[begin:end]) for begin, end in words]
    plain = [_word(text, place) for place in words]
    for first, (start, first_end) in enumerate(words):
        most = _MOST_SMALL_WORDS
        if capitals and is_capital[first]:
            most = MOST_NAME_WORDS
        elif is_capital[first] or (capitals and is_no_name(plain[first])):
            continue
        elif capitals and not any(is_capital[first : first + _LEADING_WORDS]):
            continue
        for last in range(min(first + most, len(words)) - 1, first - 1, -1):
            if last == first and is_no_name(plain[first]):
                continue
            if capitals and not any(is_capital[first : last + 1]):
                break
            if not capitals and any(is_capital[first : last + 1]):
                continue
            if last > first and plain[last] in _NEVER_LAST:
                continue
            yield from spelt(text, start, first_end, words[last][1])


_MOST_SMALL_WORDS = 6
"""Of a name that begins with a word in lower case."""
_LEADING_WORDS = 3
"""Within which a name that begins so has a capital: "congress of Berlin"."""


_NEVER_LAST = frozenset("the a an of and or is was were are be by for from with to at".split())


def _longest(
    stretches: Iterable[KnownName], probe: Probe, exactly: Probe | None
) -> list[KnownName]:
    """Return those that memory holds; of those that overlap, the longest, then the first."""
    candidates = list(stretches)
    names = {one.name for one in candidates}
    short = {name for name in names if _may_be_spelt_otherwise(name)}
    held = {*(exactly or probe)(names - short), *probe(short)}
    found = [one for one in candidates if one.name in held]
    return longest(found)


def _may_be_spelt_otherwise(name: str) -> bool:
    """Return whether it is worth the time to look for a stretch in other spellings too."""
    n_words = name.count(" ") + 1
    return n_words <= _MOST_OTHERWISE and (n_words <= 3 or _INNER_MARK.search(name) is None)


_MOST_OTHERWISE = 6
_INNER_MARK = re.compile(r"[,;:?!]\s")


@cache
def _no_names() -> frozenset[str]:
    return frozenset(CLASSES.words("no names"))
