"""``python -m lamlam.bundled.build_facts CORPUS OUT.sqlite --packages FOLDER``: the bundled facts.

The best known entities of the corpus, which are those that other documents
mention most, with the relations that are seldom wrong. Facts, not sentences:
each keeps the name of the page or record that states it. And what people ask first, which a
corpus of leads says little of: countries, cities, elements, planets (`well_known/`).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from lamlam.bundled.corpus_facts import CONGRESS, FILMS, facts_of, title_of
from lamlam.bundled.mentions import TitleMentions, count_mentions
from lamlam.bundled.well_known.archives import PackageFolder
from lamlam.bundled.well_known.things import well_known_things
from lamlam.errors import BadStore
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import AddAlias
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.trainer.documents import Document, read_documents
from lamlam.trainer.entity_names import bare_title

N_FACTS = 100_000
"""Of the corpus."""
FEWEST_OF_RELATION = 10
"""A head of a column that fewer facts have is hardly what anybody asks for."""
# Shares of the facts: a reader tries people, films and places first.
SHARES = {"person": 0.40, "film": 0.25, "congress": 0.10, "thing": 0.25}


def group_of(document: Document) -> str:
    """Return which share of the facts the document belongs to."""
    if document.source == CONGRESS:
        return "congress"
    if document.source == FILMS:
        return "film"
    return "person" if document.is_person else "thing"


def choose(
    documents: Sequence[Document],
    n_facts: int = N_FACTS,
    well_known: Collection[str] = (),
    mentions: TitleMentions | None = None,
) -> list[Fact]:
    """Return about ``n_facts`` facts of the entities that are mentioned most.

    Args:
        documents: of the corpus.
        n_facts: how many.
        well_known: names that are taken: a film of such a name is called after its year too, and
            other pages of the name are left out.
        mentions: what `count_mentions` returned.
    """
    mentions = count_mentions(documents) if mentions is None else mentions
    taken = {canonical_key(name) for name in well_known}
    rng = random.Random(0)
    groups: dict[str, list[tuple[float, Document]]] = {}
    for document in documents:
        name = bare_title(document.title)
        # A name of one common word is found everywhere.
        weight = mentions.of(document) / (4 if " " not in name else 1)
        groups.setdefault(group_of(document), []).append((weight + rng.random() / 10, document))
    chosen: list[Fact] = []
    countries = frozenset(well_known)
    known = frozenset(taken)
    uses = Counter(_bare(re.sub(r" \([^()]*\)$", "", name)) for name in set(well_known))
    bare = {_bare(name) for name in well_known} | {name for name, n in uses.items() if n > 1}
    for group, share in SHARES.items():
        ranked = sorted(groups.get(group, []), key=lambda pair: -pair[0])
        room = round(n_facts * share)
        for _, document in ranked:
            facts = facts_of(document, countries)
            name = title_of(document)
            is_taken = _bare(name) in bare or mentions.is_better_known(document)
            if is_taken and document.source == FILMS:
                facts, name = _with_year(facts, name)
            elif is_taken:
                continue
            # Of another entity of a taken name, the page says what is not its business.
            facts = [fact for fact in facts if canonical_key(fact.entity) not in known]
            # Two facts or more: one alone makes a text about nothing.
            # And one page a name: a film and a town of one name must not become one thing.
            key = canonical_key(name)
            if len(facts) < 2 or key in taken:
                continue
            taken.add(key)
            chosen += facts
            room -= len(facts)
            if room <= 0:
                break
    n_of = Counter(fact.relation for fact in chosen)
    return [fact for fact in chosen if n_of[fact.relation] >= FEWEST_OF_RELATION]


def _bare(name: str) -> str:
    """Return a name without its article: "The Mercury" would be found by "Mercury"."""
    return canonical_key(name).removeprefix("the ")


def _with_year(facts: Sequence[Fact], name: str) -> tuple[list[Fact], str]:
    """Return the facts of a film under a name with its year, and the name."""
    years = [fact.surface for fact in facts if fact.relation == "release year"]
    own = f"{name} ({years[0]} film)" if years else f"{name} (film)"
    renamed = [
        fact.model_copy(update={"entity": own}) if fact.entity == name else fact for fact in facts
    ]
    return renamed, own


def write(path: Path, facts: Sequence[Fact], aliases: Sequence[tuple[str, str]] = ()) -> None:
    """Write the facts, then the aliases: pairs of an entity, which may be absent, and a name."""
    held = {canonical_key(fact.entity) for fact in facts}
    others: dict[str, AddAlias] = {}
    for entity, alias in aliases:
        key = canonical_key(alias)
        if key not in held and canonical_key(entity) in held:
            others.setdefault(key, AddAlias(entity, alias))
    store = SqliteStore(path)
    try:
        store.load_nowait(facts)
        store.apply_nowait(list(others.values()))
        store.forget_changes_nowait()
    finally:
        store.close_nowait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.bundled.build_facts",
        description="Choose the facts of the best known entities of a corpus, and add those of"
        " countries, cities, elements and planets that packages state.",
    )
    parser.add_argument("corpus", help="documents in the format of lamlam.trainer.documents")
    parser.add_argument("out", type=Path, metavar="OUT.sqlite", help="a file that does not exist")
    parser.add_argument(
        "--packages",
        type=Path,
        metavar="FOLDER",
        help="with the packages of lamlam/bundled/well_known/archives.py as downloaded;"
        " without it, the facts of the corpus alone",
    )
    chosen = parser.parse_args(arguments)
    corpus, path = chosen.corpus, chosen.out
    if path.exists():
        raise BadStore(f"{path} exists", hint="move it away first")
    things = well_known_things(PackageFolder(chosen.packages)) if chosen.packages else ()
    names = [name for thing in things for name in (thing.name, *thing.aliases)]
    documents = list(read_documents(corpus))
    mentions = count_mentions(documents)
    facts = choose(documents, well_known=names, mentions=mentions)
    facts = [*(fact for thing in things for fact in thing.facts()), *facts]
    aliases = [(thing.name, alias) for thing in things for alias in thing.aliases]
    others = {**mentions.forms, **mentions.best}
    write(path, facts, [*aliases, *((title, name) for name, title in others.items())])
    sys.stderr.write(
        f"{len(facts)} facts of {len({f.entity for f in facts})} entities, "
        f"{path.stat().st_size / 1e6:.1f} MB\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
