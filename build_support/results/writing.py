"""docs/results.md and its pictures, written from the records alone."""

from __future__ import annotations

import re
from pathlib import Path

from build_support.results import tables
from build_support.results.plan import Plan
from build_support.results.records import (
    RECORDS,
    ROOT,
    Record,
    outputs_path,
    read_json,
    read_records,
)
from build_support.results.speed import SPEED

TEMPLATE = Path(__file__).with_name("page.md")
PAGE = ROOT / "docs" / "results.md"
PICTURES = ROOT / "docs" / "pictures"


def write_page(plan: Plan, records: Path = RECORDS) -> None:
    """Write the page and its pictures."""
    from build_support.results.pictures import draw_pictures

    PAGE.write_text(page_text(plan, records), encoding="utf-8")
    draw_pictures(plan, read_records(plan, records), PICTURES)


def page_text(plan: Plan, records: Path = RECORDS) -> str:
    """Return the page: the template with the tables in their places."""
    there = read_records(plan, records)
    outputs = read_outputs(plan, records)
    speed = read_json(records / f"{SPEED}.json")
    parts = {
        "models": tables.models_table(plan, there),
        "exact": tables.share_table(plan, there, "exact"),
        "false": tables.share_table(
            plan, {name: one for name, one in there.items() if one["facts"] == "memory"}, "false"
        ),
        "forgetting": tables.forgetting_table(plan, there),
        "databases": tables.databases_table(plan, there),
        "speed": tables.speed_table(speed),
        "speed_how": tables.speed_sentence(speed),
        "counts": tables.outputs_counts(outputs),
        "outputs": tables.outputs_table(outputs),
        "commands": tables.commands_table(plan, there),
        "data": tables.data_list(there),
        "versions": tables.versions_line([*there.values(), *outputs]),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def read_outputs(plan: Plan, records: Path = RECORDS) -> list[Record]:
    """Return the records of outputs there are, in the order of the models."""
    there = (read_json(outputs_path(model, records)) for model in plan.models)
    return [record for record in there if record is not None]
