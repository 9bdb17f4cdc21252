"""A small vocabulary and a few documents that every trainer test shares."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from lamlam.trainer.documents import Document, parse_document
from lamlam.trainer.run_records import run_picture
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.tokenizer import LmlmTokenizer, train_tokenizer


def as_line(document: Document) -> str:
    """The document as a line of a corpus file."""
    return json.dumps(
        {
            "title": document.title,
            "text": document.text,
            "facts": [[f.entity, f.relation, f.value] for f in document.facts],
            "at": [f.at for f in document.facts],
            "by": "".join("s" if f.is_structured else "r" for f in document.facts),
            "person": document.is_person,
            "source": document.source,
        }
    )


@pytest.fixture
def file_of_model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes settings with these lines about the model, and no others but what must be there."""

    def write(model: str) -> Path:
        path = tmp_path / "a.toml"
        path.write_text(f'[data]\ndocuments = "a"\n[run]\nsteps = 1\n[model]\n{model}')
        return path

    return write


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs draw nothing: a picture takes longer than the runs of most tests."""
    monkeypatch.setattr(run_picture, "find_spec", lambda name: None)


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    rng = random.Random(5)
    return [invent(rng) for _ in range(120)]


@pytest.fixture(scope="session")
def tokenizer(documents: list[Document]) -> LmlmTokenizer:
    return train_tokenizer((document.text for document in documents), 600)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, documents: list[Document]) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "documents.jsonl"
    path.write_text("".join(as_line(d) + "\n" for d in documents), encoding="utf-8")
    for line in path.read_text(encoding="utf-8").splitlines():
        parse_document(line)
    return path
