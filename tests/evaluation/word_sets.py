"""Small invented files of the form of the public sets of sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

LABELS = {
    "wikidata": {"P36": "capital", "P17": "country", "P37": "official language"},
    "relations_lre": {"Land Capital": "capital", "Land Tongue": "official language"},
}
CAPITALS = {"Orlandia": "Vessmark", "Tirravia": "Quellin", "Nembria": "Hoskeld"}
TONGUES = {"Orlandia": "Orlish", "Tirravia": "Tirran", "Nembria": "Tirran"}


def write_set(folder: Path, lines: Iterable[Mapping[str, object]], name: str = "set") -> Path:
    """Write the lines and the labels beside them; return the path of the lines."""
    (folder / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def pararel_lines() -> list[dict[str, object]]:
    """Return six facts about three countries, two properties."""
    capitals = ["The capital of [X] is [Y] .", "[Y], capital of [X]."]
    tongues = ["In [X], the official language is [Y] ."]
    return [
        *_lines(CAPITALS, {"pid": "P36", "patterns": capitals}),
        *_lines(TONGUES, {"pid": "P37", "patterns": tongues}),
    ]


def _lines(values: Mapping[str, str], rest: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"entity": entity, "value": value, **rest} for entity, value in values.items()]


def lre_lines() -> list[dict[str, object]]:
    """Return the same facts in the form of the LRE study."""
    return [
        *_lines(CAPITALS, {"relation": "Land Capital", "prompts": ["The capital of {} is "]}),
        *_lines(TONGUES, {"relation": "Land Tongue", "prompts": ["People in {} speak"]}),
    ]


def question_lines() -> list[dict[str, object]]:
    """Return the capitals as questions, one of them with two answers."""
    return [
        {
            "question": f"What is the Capital of {entity}?",
            "entity": entity,
            "relation": "Capital",
            "answers": [value, "Old Vessmark"] if value == "Vessmark" else [value],
        }
        for entity, value in CAPITALS.items()
    ]


def trex_lines() -> list[dict[str, object]]:
    """Return two completions, one of a property without a label."""
    return [
        {
            "subject": "Orlandia",
            "predicate_id": pid,
            "gold_object": "Vessmark",
            "prompt_text": "Orlandia is ruled from its capital ",
        }
        for pid in ("P36", "P9999")
    ]
