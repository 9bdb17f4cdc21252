"""How often a name that memory lacks is answered as something else, and a misspelt one is found."""

from __future__ import annotations

import json
import random
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lamlam.errors import BadDocument, BadStore
from lamlam.memory_backends.model.keys import FoldedName, canonical_key, fold, names_agree
from lamlam.memory_backends.model.lookups import EntityView
from lamlam.memory_backends.resolution.person_names import person_score
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.packed_files import UNPACKING_ERRORS
from lamlam.trainer.documents import name_of, open_text
from lamlam.trainer.entity_names import bare_title

_UNREADABLE: tuple[type[Exception], ...] = (OSError, ValueError, *UNPACKING_ERRORS)
KINDS = ("alias", "person", "misspelling")
_N_EXAMPLES = 5
_EVERY = 500
_FEWEST_LETTERS = 10


def resolve_benchmark(
    memory: str = "bundled",
    strangers: Path | str | None = None,
    *,
    items: int | None = None,
    misspelt: int = 2000,
    seed: int = 0,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Return how often names lead to the wrong entity, and how often slips lead to the right one.

    A stranger is held, and left out, where memory has the very name, an alias, or a name that
    differs in accents, marks, article or a missing qualifier only. Every other answer
    counts as somebody else, a fuller name of the same person too.

    Args:
        memory: URL of a store, or ``bundled``.
        strangers: a document file (``title``), or a file with one name a line.
        items: how many strangers, chosen at random; default: all.
        misspelt: how many stored names of ten letters and more are asked for with one letter
            changed.
        seed: of both choices and of the letters.
        on_progress: is told what is measured, how many are done, and of how many.

    Returns:
        ``names`` in memory; ``strangers`` asked for, ``answered`` as somebody else, the same
        ``answered_per_1000`` and ``by_kind``, ``ambiguous``, ``examples``; ``misspelt`` asked
        for, the share ``found``, and how many ``found_other`` than the one that was meant.

    Raises:
        BadDocument: the file cannot be read, or a line has no title.
        BadStore: the store holds nothing.
    """
    show = on_progress or (lambda *_: None)
    rng = random.Random(seed)
    asked = _sample(list(dict.fromkeys(read_names(strangers))), items, rng) if strangers else []
    with SyncFactStore(memory, read_only=True, create=False) as store:
        show("reading names", 0, 1)
        names = sorted({fact.entity for fact in store.scan(namespace=(), include_expired=True)})
        if not names:
            raise BadStore(f"{memory} holds no facts", hint="name a store that holds some")
        figures: dict[str, Any] = {"memory": memory, "names": len(names)}
        if strangers is not None:
            figures |= _ask_strangers(store, names, asked, show)
        return figures | _ask_misspelt(store, names, misspelt, rng, show)


def read_names(path: Path | str) -> Iterator[str]:
    """Yield the titles of documents without bracketed qualifiers, or the lines of a list of names.

    Raises:
        BadDocument: the file cannot be read, or a line has no title.
    """
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                name = _name_of_line(line.removeprefix("\ufeff").strip(), number, path)
                if name:
                    yield name
    except _UNREADABLE as problem:
        if isinstance(problem, ValueError) and not isinstance(problem, UnicodeDecodeError):
            raise
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None


def _name_of_line(line: str, number: int, path: Path | str) -> str:
    if not line.startswith("{"):
        return line
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    title = document.get("title") if isinstance(document, dict) else None
    if not isinstance(title, str):
        raise BadDocument(
            f"line {number} of {name_of(path)} is not a document with a title",
            hint='write {"title": "…"} or one name a line',
        )
    return bare_title(title)


def _ask_strangers(
    store: SyncFactStore,
    names: Sequence[str],
    asked: Sequence[str],
    show: Callable[[str, int, int], None],
) -> dict[str, Any]:
    held: dict[str, list[FoldedName]] = defaultdict(list)
    for name in names:
        folded = fold(canonical_key(name))
        held[folded.key].append(folded)
    n_asked = n_ambiguous = 0
    answered: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for n, name in enumerate(asked):
        if n % _EVERY == 0:
            show("strangers", n, len(asked))
        folded = fold(canonical_key(name))
        if any(names_agree(folded, other) for other in held.get(folded.key, ())):
            continue
        view = store.describe_nowait(name, fuzzy=True)
        if view is not None and canonical_key(name) in map(canonical_key, store.aliases(view.name)):
            continue
        n_asked += 1
        if view is not None:
            answered[_kind_of(folded, view)].append(f"{name} as {view.name}")
        elif store.lookup(name, "").status == "ambiguous":
            n_ambiguous += 1
    n_answered = sum(map(len, answered.values()))
    return {
        "strangers": n_asked,
        "answered": n_answered,
        "answered_per_1000": round(1000 * n_answered / n_asked, 3) if n_asked else 0.0,
        "by_kind": {kind: len(found) for kind, found in answered.items()},
        "ambiguous": n_ambiguous,
        "examples": [
            f"{kind}: {example}" for kind in KINDS for example in answered[kind][:_N_EXAMPLES]
        ],
    }


def _kind_of(asked: FoldedName, view: EntityView) -> str:
    if view.match.kind != "fuzzy":
        return "alias"
    is_person = person_score(asked.key, fold(canonical_key(view.name)).key) > 0
    return "person" if is_person else "misspelling"


def _ask_misspelt(
    store: SyncFactStore,
    names: Sequence[str],
    n_wanted: int,
    rng: random.Random,
    show: Callable[[str, int, int], None],
) -> dict[str, Any]:
    long = [name for name in names if sum(map(str.isalpha, name)) >= _FEWEST_LETTERS]
    known = set(map(canonical_key, names))
    asked = [(name, _changed(name, rng)) for name in _sample(long, n_wanted, rng)]
    asked = [(name, typed) for name, typed in asked if canonical_key(typed) not in known]
    outcomes: Counter[str] = Counter()
    for n, (name, typed) in enumerate(asked):
        if n % _EVERY == 0:
            show("misspelt names", n, len(asked))
        view = store.describe_nowait(typed, fuzzy=True)
        if view is not None:
            outcomes["found" if view.name == name else "other"] += 1
    return {
        "misspelt": len(asked),
        "found": round(outcomes["found"] / len(asked), 4) if asked else 0.0,
        "found_other": outcomes["other"],
    }


def _sample(names: Sequence[str], n: int | None, rng: random.Random) -> list[str]:
    return list(names) if n is None or n >= len(names) else rng.sample(names, n)


def _changed(name: str, rng: random.Random) -> str:
    """Return the name with one random letter replaced by another."""
    at = rng.choice([n for n, char in enumerate(name) if char.isalpha()])
    old = name[at]
    new = rng.choice([char for char in string.ascii_lowercase if char != old.lower()])
    return f"{name[:at]}{new.upper() if old.isupper() else new}{name[at + 1 :]}"
