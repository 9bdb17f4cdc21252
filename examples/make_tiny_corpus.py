"""Generate tiny_corpus.jsonl: 400 short documents about people and places that do not exist.

    python examples/make_tiny_corpus.py

Prints:

    400 documents
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from lamlam.trainer.synthetic.documents import write_opening
from lamlam.trainer.synthetic.facts import invent_facts

CORPUS = Path(__file__).with_name("tiny_corpus.jsonl")
N_DOCUMENTS = 400
LONGEST = 110
"""Most characters of a text: a tiny model learns more from many short texts."""


def lines() -> list[str]:
    """Return the corpus, one JSON object per line; always the same."""
    rng = random.Random(1)
    documents: dict[str, str] = {}
    while len(documents) < N_DOCUMENTS:
        kind = rng.choice(("person", "person", "town", "company"))
        name, known = invent_facts(kind, rng)
        text, facts, at = write_opening(kind, name, known, rng)
        if len(text) <= LONGEST:
            fields = {"title": name, "text": text, "facts": facts, "at": at}
            documents[text] = json.dumps(fields, ensure_ascii=False)
    return list(documents.values())


def main() -> None:
    """Write the corpus."""
    corpus = lines()
    CORPUS.write_text("\n".join(corpus) + "\n", encoding="utf-8")
    print(len(corpus), "documents")


if __name__ == "__main__":
    main()
