"""Change a fact, then erase it: the next completion reflects each change.

    python examples/edit_and_forget.py

Prints three completions and an erasure receipt, something like:

    known:     Ada Quill was born in Lowmere ...
    changed:   Ada Quill was born in Highmere ...
    forgotten: Ada Quill was born in ...
    receipt:   ...

The third completion is the model's own guess; it contains no value from the file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import lamlam

PROMPT = "Ada Quill was born in"


def birth_place(value: str) -> lamlam.Fact:
    """Return the one fact of this example."""
    return lamlam.Fact(entity="Ada Quill", relation="birth place", value=value)


def main() -> None:
    """Print three completions: with a fact, with another value, and without it."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'facts.db')}"
        with lamlam.SyncFactStore(url) as store, lamlam.SyncEngine(memory=url) as engine:
            store.apply([lamlam.Assert(birth_place("Lowmere"))])
            print("known:    ", engine.generate(PROMPT, max_tokens=16).text)

            store.apply([lamlam.Replace(birth_place("Highmere"))])
            print("changed:  ", engine.generate(PROMPT, max_tokens=16).text)

            receipt = store.erase("Ada Quill", "birth place", reason="she asked for it")
            print("forgotten:", engine.generate(PROMPT, max_tokens=16).text)
            print("receipt:  ", receipt)


if __name__ == "__main__":
    main()
