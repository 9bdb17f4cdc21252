"""``python -m lamlam.trainer.synthetic.worded``: print worded documents, to be read."""

from __future__ import annotations

import argparse
import json
import random
import sys

from lamlam.errors import LamLamError
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.trainer.annotation.written_documents import document_line
from lamlam.trainer.augmentation import NO_AUGMENTATION, augment
from lamlam.trainer.documents import read_documents
from lamlam.trainer.lookup_format import write
from lamlam.trainer.synthetic.worded.chats import write_chats
from lamlam.trainer.synthetic.worded.fact_lines import read_fact_lines
from lamlam.trainer.synthetic.worded.invented import invented_entities
from lamlam.trainer.synthetic.worded.known import FactSource, facts_of_documents, held_entities
from lamlam.trainer.synthetic.worded.worded import WordedText, WordedWriter

EXAMPLE = """example:
  python -m lamlam.trainer.synthetic.worded --facts facts.jsonl --seed 3 -n 20
"""
_SHOWN = ("[[", " |", " ->", " ]]")


def main(arguments: list[str] | None = None) -> int:
    """Print documents as training sees them; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.trainer.synthetic.worded",
        description="Print documents that ask for facts in anyone's words.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--facts", help="file of facts; by default they are invented")
    parser.add_argument("--documents", help="file of training documents whose facts are used")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-n", type=int, default=20, help="how many documents (20)")
    parser.add_argument("--json", action="store_true", help="a training document a line instead")
    parser.add_argument(
        "--chats", action="store_true", help='chats instead, a {"messages": [...]} a line'
    )
    chosen = parser.parse_args(arguments)
    try:
        entities = held_entities(read_fact_lines(chosen.facts)) if chosen.facts else []
        if chosen.documents:
            entities += facts_of_documents(list(read_documents(chosen.documents)))
    except LamLamError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    rng = random.Random(chosen.seed)
    if chosen.chats:
        source = FactSource(entities or invented_entities(rng, max(50, chosen.n // 2)))
        for messages in write_chats(rng, source, chosen.n):
            sys.stdout.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
        return 0
    settings = WordedText(invented=0.0 if entities else 1.0)
    for document in WordedWriter(entities, settings).documents(rng, chosen.n):
        if chosen.json:
            sys.stdout.write(document_line(document) + "\n")
            continue
        text = write(augment(document, random.Random(0), NO_AUGMENTATION, {}))
        for token, shown in zip(LOOKUP_TOKENS, _SHOWN, strict=True):
            text = text.replace(token, shown)
        sys.stdout.write(f"{text}\n\n---\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
