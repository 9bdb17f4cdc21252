"""Generate text with your own facts, from a file of JSON lines.

    python examples/own_facts_from_a_file.py [FACTS.jsonl]

A line is {"entity": ..., "relation": ..., "value": ..., "source": ...}; the source is
optional. Relations may have everyday names ("date of birth", "alma mater", "number of
inhabitants"). Prints the number of facts, then completions about the entities of
my_facts.jsonl, something like:

    17 facts
    Ottilie Fernhout was born in Grauwmeer ...
    The Lantern Clerk is a 1954 comedy film directed by Basil Oddie ...
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import lamlam

PROMPTS = (
    "Ottilie Fernhout was born in",
    "Ottilie Fernhout was a Dutch",
    "The Lantern Clerk is a 1954 comedy film directed by",
    "Grauwmeer is a town in",
    "Grauwmeer is a town. It has a population of",
    "Fernhout Bellows is a company founded by",
    "The Salt Ledger is a novel by",
)


def read_facts(path: Path) -> list[lamlam.Fact]:
    """Return the facts of a file of JSON lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [lamlam.Fact(**json.loads(line)) for line in lines if line.strip()]


def main() -> None:
    """Continue each prompt with the facts of the file."""
    here = Path(__file__).parent
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "my_facts.jsonl"
    facts = read_facts(path)
    print(len(facts), "facts")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'facts.db')}"
        with lamlam.SyncFactStore(url) as store:
            store.apply([lamlam.Assert(fact) for fact in facts])
        with lamlam.SyncEngine(memory=url) as engine:
            for prompt in PROMPTS:
                print(engine.generate(prompt, max_tokens=24).text)


if __name__ == "__main__":
    main()
