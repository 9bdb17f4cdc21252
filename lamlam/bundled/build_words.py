"""``python -m lamlam.bundled.build_words CORPUS DICTIONARY``: which words and names exist.

Writes two files beside the resolver: ``known_words.bloom`` (a misspelling never turns a word that
exists into a name) and ``name_counts.txt`` (how many people have a first or a last name). Words
that two texts contain or that a title contains are known, and so are words of the dictionary that
are one slip away from one of these.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lamlam.memory_backends.model.keys import canonical_key, fold
from lamlam.memory_backends.resolution import known_words
from lamlam.memory_backends.resolution.known_words import WordFilter, pack_filters
from lamlam.memory_backends.resolution.opposites import are_opposed
from lamlam.memory_backends.resolution.person_names import person_tokens, reads_as_name
from lamlam.trainer.documents import Document, read_documents
from lamlam.trainer.entity_names import bare_title

KNOWN_BYTES, COMMON_BYTES = 284_000, 12_000
_SHORTEST_KNOWN, _SHORTEST_FROM_DICTIONARY = 4, 6
_FEWEST_FIRST, _FEWEST_LAST = 5, 3
_FEWEST_COMMON = 50
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class Counts:
    """What the documents contain: words, words with a small letter, and names of people."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        self.small: Counter[str] = Counter()
        self.titles: set[str] = set()
        self.first: Counter[str] = Counter()
        self.last: Counter[str] = Counter()
        self.n_people = 0
        self._folded: dict[str, list[str]] = {}

    def add(self, document: Document) -> None:
        """Count one document."""
        name = bare_title(document.title)
        folded = fold(canonical_key(name)).key
        self.titles.update(folded.split())
        words = set(_WORD.findall(f"{document.title} {document.text}"))
        self.texts.update({word for found in words for word in self._words(found)})
        small = [found for found in words if found[0].islower()]
        self.small.update({word for found in small for word in self._words(found)})
        person = person_tokens(folded) if document.is_person else None
        if person is not None and reads_as_name(canonical_key(name)):
            self.n_people += 1
            self.first[person.words[0]] += 1
            self.last[person.words[-1]] += 1

    def known(self, dictionary: Iterable[str]) -> set[str]:
        """Return the words that no slip makes."""
        known = {word for word, count in self.texts.items() if count >= 2} | self.titles
        known = {word for word in known if len(word) >= _SHORTEST_KNOWN and word.isalpha()}
        well_known = {word for word, count in self.texts.items() if count >= 3}
        return known | set(_near(set(dictionary) - known, well_known))

    def common(self) -> set[str]:
        """Return the frequent words that more texts write with a small letter than not."""
        return {
            word
            for word, count in self.texts.items()
            if count >= _FEWEST_COMMON and self.small[word] > count / 2
        }

    def _words(self, found: str) -> list[str]:
        if found not in self._folded:
            self._folded[found] = fold(canonical_key(found)).key.split()
        return self._folded[found]


def _near(words: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """Yield the words that could be taken for a slip of another: the rest need not be known."""
    candidates = [w for w in words if len(w) >= _SHORTEST_FROM_DICTIONARY]
    groups: dict[str, set[str]] = defaultdict(set)
    for word in [*candidates, *(w for w in others if len(w) >= _SHORTEST_KNOWN)]:
        for left in _one_less(word):
            groups[left].add(word)
    for word in candidates:
        near = {other for left in _one_less(word) for other in groups[left]}
        if any(_is_confusable(word, other) for other in near):
            yield word


def _is_confusable(word: str, other: str) -> bool:
    shorter, longer = sorted((word, other), key=len)
    return not (longer.startswith(shorter) or longer.endswith(shorter) or are_opposed(word, other))


def _one_less(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _table(counts: Counter[str], fewest: int) -> str:
    chosen = sorted((name, count) for name, count in counts.items() if count >= fewest)
    lines = [""]
    for name, count in chosen:
        entry = f"{name} {count}, "
        if len(lines[-1]) + len(entry) > 100:
            lines.append("")
        lines[-1] += entry
    return "\n".join(line.rstrip() for line in lines).removesuffix(",")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both files; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.bundled.build_words",
        description="Count the words and names of a corpus for the resolver.",
    )
    parser.add_argument("corpus", help="documents in the format of lamlam.trainer.documents")
    parser.add_argument("dictionary", type=Path, help="a text file, one word a line")
    parser.add_argument("--out", type=Path, default=Path(known_words.__file__).parent)
    chosen = parser.parse_args(arguments)
    counts = Counts()
    for document in read_documents(chosen.corpus):
        counts.add(document)
    lines = chosen.dictionary.read_text(encoding="utf-8").split()
    dictionary = {word.lower() for word in lines if word.isascii() and word.isalpha()}
    known, common = counts.known(dictionary), counts.common()
    packed = pack_filters(WordFilter.of(known, KNOWN_BYTES), WordFilter.of(common, COMMON_BYTES))
    (chosen.out / "known_words.bloom").write_bytes(packed)
    (chosen.out / "name_counts.txt").write_text(
        "# First and last names, each with the number of biographies in the training corpus"
        " that have it.\n"
        f"[first names]\n{_table(counts.first, _FEWEST_FIRST)}\n"
        f"[last names]\n{_table(counts.last, _FEWEST_LAST)}\n",
        encoding="utf-8",
    )
    sys.stderr.write(
        f"{len(known)} known words, {len(common)} common ones, {counts.n_people} people\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
