"""``python -m lamlam.bundled.build_facts CORPUS OUT.sqlite``: the facts that ship with lamlam.

The best known entities of the corpus, which are those that other documents
mention most, with the relations that are seldom wrong. Facts, not sentences:
each keeps the name of the page or record that states it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lamlam.errors import BadStore
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.trainer.documents import Document, read_documents
from lamlam.trainer.entity_names import bare_title, is_same_entity

N_FACTS = 112_000
MAX_WORDS = 5
"""Longest title, in words, that is looked for in other texts."""
WEAK = {"type", "location", "named after", "member of", "team", "part of", "notability"}
"""Relations whose values, when a rule read them, are wrong too often to ship."""
OF_PEOPLE = {
    "birth date", "birth place", "death date", "death place", "burial place", "nationality",
    "occupation", "profession", "education", "spouse", "parent", "party", "office", "state",
    "position", "team", "played for", "known for", "award", "term start", "term end",
    "practice place", "college", "club", "instrument", "field", "country", "founder",
    "represented", "served as", "description", "sport", "label",
}  # fmt: skip
"""Relations that people have: others come from tables that name a person in passing."""
SOURCES = {
    "us-congress-bio": "Biographical Directory of the US Congress",
    "wikipedia-film": "Wikipedia",
    "wikipedia-lead": "Wikipedia",
    "wikipedia-entdesc": "Wikipedia",
    "wikipedia-wikides": "Wikipedia",
}
# Shares of the facts: a reader tries people, films and places first.
SHARES = {"person": 0.40, "film": 0.25, "congress": 0.10, "thing": 0.25}
_WORD = re.compile(r"[^\W_][\w'’.-]*")


def count_mentions(documents: Sequence[Document]) -> Counter[str]:
    """Return how many documents name each title, their own left out."""
    titles = {bare_title(document.title) for document in documents}
    counts: Counter[str] = Counter()
    for document in documents:
        own = bare_title(document.title)
        spans = [match.span() for match in _WORD.finditer(document.text)]
        seen: set[str] = set()
        for i, (start, _) in enumerate(spans):
            if not document.text[start].isupper():
                continue
            for _, end in spans[i : i + MAX_WORDS]:
                name = document.text[start:end].rstrip(".,'’-")
                if name in titles:
                    seen.add(name)
        counts.update(seen - {own})
    return counts


def group_of(document: Document) -> str:
    """Return which share of the facts the document belongs to."""
    if document.source == "us-congress-bio":
        return "congress"
    if document.source == "wikipedia-film":
        return "film"
    return "person" if document.is_person else "thing"


def facts_of(document: Document) -> Iterator[Fact]:
    """Yield the document's facts that are good enough to ship."""
    title = _title_of(document)
    source = f"{SOURCES.get(document.source, document.source)}: {title}"
    for stated in document.facts:
        relation = stated.relation.lower()
        if not stated.is_structured and relation in WEAK:
            continue
        is_own = is_same_entity(stated.entity, document.title)
        if document.is_person and is_own and relation not in OF_PEOPLE:
            continue
        yield Fact(
            entity=title if is_own else stated.entity,
            relation=relation,
            value=stated.value,
            sources=(source,),
            confidence=1.0 if stated.is_structured else 0.9,
        )
    for entity, relation, value in document.other_facts:
        name = title if is_same_entity(entity, document.title) else entity
        yield Fact(entity=name, relation=relation.lower(), value=value, sources=(source,))


def _title_of(document: Document) -> str:
    return re.sub(r"\[\d+\]$", "", document.title)


def choose(documents: Sequence[Document], n_facts: int = N_FACTS) -> list[Fact]:
    """Return about ``n_facts`` facts of the entities that are mentioned most."""
    mentions = count_mentions(documents)
    shared = Counter(bare_title(document.title) for document in documents)
    rng = random.Random(0)
    groups: dict[str, list[tuple[float, Document]]] = {}
    for document in documents:
        name = bare_title(document.title)
        # A name of one common word is found everywhere, and one that several
        # pages share says little of any of them.
        weight = mentions[name] / shared[name] / (4 if " " not in name else 1)
        groups.setdefault(group_of(document), []).append((weight + rng.random() / 10, document))
    chosen: list[Fact] = []
    taken: set[str] = set()
    for group, share in SHARES.items():
        ranked = sorted(groups.get(group, []), key=lambda pair: -pair[0])
        room = round(n_facts * share)
        for _, document in ranked:
            facts = list(facts_of(document))
            # Two facts or more: one alone makes a text about nothing.
            # And one page a name: a film and a town of one name must not become one thing.
            key = canonical_key(_title_of(document))
            if len(facts) < 2 or key in taken:
                continue
            taken.add(key)
            chosen += facts
            room -= len(facts)
            if room <= 0:
                break
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.bundled.build_facts",
        description="Choose the facts of the best known entities of a corpus.",
    )
    parser.add_argument("corpus", help="documents in the format of lamlam.trainer.documents")
    parser.add_argument("out", type=Path, metavar="OUT.sqlite", help="a file that does not exist")
    chosen = parser.parse_args(arguments)
    corpus, path = chosen.corpus, chosen.out
    if path.exists():
        raise BadStore(f"{path} exists", hint="move it away first")
    facts = choose(list(read_documents(corpus)))
    store = SqliteStore(path)
    try:
        store.load_nowait(facts)
        store.forget_changes_nowait()
    finally:
        store.close_nowait()
    sys.stderr.write(
        f"{len(facts)} facts of {len({f.entity for f in facts})} entities, "
        f"{path.stat().st_size / 1e6:.1f} MB\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
