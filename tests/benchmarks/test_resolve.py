"""The benchmark of names counts who is answered as somebody else, and which slips are forgiven."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lamlam.benchmarks.resolve import resolve_benchmark
from lamlam.errors import BadDocument, BadStore
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.programs import run_python

NAMES = ("Mercury (planet)", "Café de la Paix", "Kevin John Barron", "Rosalind Franklin")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a store with a few names."""
    url = f"sqlite:///{tmp_path / 'names.db'}"
    with SyncFactStore(url) as store:
        store.apply([Assert(Fact(entity=name, relation="kind", value="x")) for name in NAMES])
        store.apply([AddAlias("Kevin John Barron", "The Honourable Member")])
    return url


def test_who_counts_as_a_stranger(url: str, tmp_path: Path) -> None:
    """Held by name, alias or letters is no stranger; a fuller name and a slip are answers."""
    path = tmp_path / "names.txt"
    path.write_text(
        "Mercury\ncafe de la paix\nThe Honourable Member\nKevin Barron\nRosalind Frankiln\n"
        "Nobody At All\nNobody At All\n\n",
        encoding="utf-8",
    )
    figures = resolve_benchmark(url, path)
    assert (figures["names"], figures["strangers"], figures["answered"]) == (4, 3, 2)
    assert figures["by_kind"] == {"alias": 0, "person": 1, "misspelling": 1}
    assert figures["answered_per_1000"] == pytest.approx(666.667)
    assert figures["examples"] == [
        "person: Kevin Barron as Kevin John Barron",
        "misspelling: Rosalind Frankiln as Rosalind Franklin",
    ]


def test_documents_are_asked_by_their_bare_titles(url: str, tmp_path: Path) -> None:
    """Compressed or not, and the command prints one JSON object."""
    path = tmp_path / "corpus.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for title in ("Mercury (element)", "Saturn (planet)"):
            file.write(json.dumps({"title": title, "text": "…"}) + "\n")
    done = run_python(
        "-m", "lamlam", "bench", "resolve", "--strangers", str(path), "--memory", url, "--json"
    )
    figures = json.loads(done.stdout)
    assert (figures["strangers"], figures["answered"]) == (1, 0)
    assert figures["misspelt"] == 4 and figures["found_other"] == 0


def test_slips_of_stored_names(url: str) -> None:
    """The same seed asks for the same slips, of names that are long enough."""
    figures = resolve_benchmark(url, seed=3)
    assert figures == resolve_benchmark(url, seed=3)
    assert 0 <= figures["found"] <= 1 and figures["misspelt"] <= len(NAMES)


def test_what_cannot_be_asked_is_named(url: str, tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text('{"title": "One"}\n{"name": "Two"}\n', encoding="utf-8")
    with pytest.raises(BadDocument, match=r"line 2 of .* is not a document with a title"):
        resolve_benchmark(url, path)
    with pytest.raises(BadDocument, match="cannot read"):
        resolve_benchmark(url, tmp_path / "absent")
    with SyncFactStore(f"sqlite:///{tmp_path / 'empty.db'}"):
        pass
    with pytest.raises(BadStore, match="holds no facts"):
        resolve_benchmark(f"sqlite:///{tmp_path / 'empty.db'}")
