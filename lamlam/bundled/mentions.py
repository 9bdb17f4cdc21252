"""How often the pages of a corpus are named by others, and which of several a name means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lamlam.bundled.corpus_facts import facts_of, title_of
from lamlam.trainer.documents import Document
from lamlam.trainer.entity_names import bare_title

MAX_WORDS = 5
"""Longest title, in words, that is looked for in other texts."""
FEWEST_TOLD_APART = 4
"""Texts that must say by another name which of several pages of one name they mean."""
CLEARLY = 0.75
"""Share of such texts above which the bare name means that page."""
COMPANIONS = {
    "artist", "author", "cast member", "creator", "director", "performer", "producer", "starring",
    "writer",
}  # fmt: skip
_WORD = re.compile(r"[^\W_][\w'’.-]*")
_END = ".,'’-"
"""What a word may end with that belongs to the sentence."""


@dataclass(frozen=True, slots=True)
class TitleMentions:
    """How often other documents name what the documents are about."""

    by_title: Counter[str]
    """Documents that name each bare title, their own left out."""
    share: dict[str, float]
    """By full title, for those that share a bare one: the part of the mentions that is theirs."""

    best: dict[str, str]
    """By bare title, the full one with a qualifier that it nearly always means."""
    forms: dict[str, str] = field(default_factory=dict)
    """By another form of a person's name that texts use, the title: "John F. Kennedy"."""

    def of(self, document: Document) -> float:
        """Return how many documents are likely to mean this one."""
        return self.by_title[bare_title(document.title)] * self.share.get(document.title, 1.0)

    def is_better_known(self, document: Document) -> bool:
        """Return whether the bare name of a document means another one."""
        name = title_of(document)
        return self.best.get(name, name) != name


def count_mentions(documents: Sequence[Document]) -> TitleMentions:
    """Return how many documents name each title, their own left out."""
    titles = {bare_title(document.title) for document in documents}
    of_form = {
        form: title for title in titles for form in _other_forms(title) if form not in titles
    }
    homonyms: dict[str, list[Document]] = {}
    for document in documents:
        homonyms.setdefault(bare_title(document.title), []).append(document)
    homonyms = {name: those for name, those in homonyms.items() if len(those) > 1}
    meant: Counter[str] = Counter()
    names = {one.title: _companions(one) for those in homonyms.values() for one in those}
    counts: Counter[str] = Counter()
    of_forms: Counter[str] = Counter()
    firsts = {_first_word(name) for name in (*titles, *of_form)}
    for document in documents:
        own = bare_title(document.title)
        spans = [match.span() for match in _WORD.finditer(document.text)]
        seen: set[str] = set()
        for i, (start, first_end) in enumerate(spans):
            if document.text[start:first_end].rstrip(_END) not in firsts:
                continue
            for _, end in spans[i : i + MAX_WORDS]:
                name = document.text[start:end].rstrip(_END)
                if name in of_form:
                    of_forms[name] += 1
                    name = of_form[name]
                if name in titles:
                    seen.add(name)
        counts.update(seen - {own})
        for name in seen - {own}:
            for one in homonyms.get(name, ()):
                meant[one.title] += any(other in document.text for other in names[one.title])
    share: dict[str, float] = {}
    best: dict[str, str] = {}
    for those in homonyms.values():
        total = sum(meant[one.title] for one in those)
        for one in those:
            known = total >= FEWEST_TOLD_APART
            share[one.title] = meant[one.title] / total if known else 1 / len(those)
        title = max(those, key=lambda one: share[one.title]).title
        if share[title] >= CLEARLY and bare_title(title) != title:
            best[bare_title(title)] = title
    forms = {form: of_form[form] for form, n in of_forms.items() if n >= FEWEST_TOLD_APART}
    return TitleMentions(counts, share, best, forms)


def _first_word(name: str) -> str:
    found = _WORD.search(name)
    return found[0].rstrip(_END) if found is not None and name[0].isupper() else ""


def _other_forms(title: str) -> list[str]:
    """Return "John F. Kennedy" for "John Fitzgerald Kennedy"."""
    words = title.split()
    if len(words) != 3 or not all(word.isalpha() and word[0].isupper() for word in words):
        return []
    first, middle, last = words
    return [f"{first} {middle[0]}. {last}"]


def _companions(document: Document) -> list[str]:
    """Return the names that a text about the same thing is likely to have too."""
    facts = facts_of(document)
    values = [fact.surface for fact in facts if fact.relation in COMPANIONS]
    names = [name for value in values for name in re.split(r",? and |, ", value)]
    return [name for name in names if " " in name]
