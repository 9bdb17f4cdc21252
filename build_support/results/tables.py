"""The tables of docs/results.md, made from the records alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from build_support.results.plan import Audit, Plan, Run, ShownModel, ShownSet
from build_support.results.records import AUDIT_STATES, Record, share_of
from build_support.results.speed import ratios

Records = Mapping[str, Record]
FACTS_TITLES = {"memory": "memory on", "none": "memory off", "prompt": "facts in its prompt"}
PLAIN_TITLE = "no facts"  # of a model that has no memory to turn off
NOTHING = "–"
AUDIT_COLUMNS = {
    "full": "FULL",
    "contains": "FULL, anywhere in the text",
    "del_on": "DEL-ON",
    "R": "R",
    "L": "L, which is DEL-OFF",
}


def columns(plan: Plan, records: Records) -> list[tuple[ShownModel, str]]:
    """Return the models and places of facts that some record has, in the order of the plan."""
    all_of_them = [(m, facts) for m in plan.models for facts in ("memory", "prompt", "none")]
    there = {(record["model"], record["facts"]) for record in records.values()}
    return [(model, facts) for model, facts in all_of_them if (model.name, facts) in there]


def column_title(model: ShownModel, facts: str) -> str:
    """Return what a column, or a line of a legend, is called."""
    plain = facts == "none" and model.facts != "memory"
    return f"{model.name}, {PLAIN_TITLE if plain else FACTS_TITLES[facts]}"


def record_of(records: Records, asked: ShownSet, model: ShownModel, facts: str) -> Record | None:
    """Return the record of a cell, None where nothing was run."""
    return records.get(Run(model, asked, facts).name)


def models_table(plan: Plan, records: Records) -> str:
    """Return the table of models: their files and hashes."""
    rows = []
    for model in plan.models:
        of_it = [one for one in records.values() if one["model"] == model.name]
        if not of_it:
            continue
        places = [facts for shown, facts in columns(plan, records) if shown == model]
        titles = [column_title(model, facts).removeprefix(f"{model.name}, ") for facts in places]
        size, digest = of_it[0]["model_bytes"], of_it[0]["model_sha256"]
        rows.append([model.name, f"{size / 1e6:.1f} MB", ", ".join(titles), f"`{digest[:16]}`"])
    return table(["model", "file", "asked with", "SHA-256, first digits"], rows)


def share_table(plan: Plan, records: Records, figure: str) -> str:
    """Return the table set × model of a figure; columns and rows without any are left out."""
    having = {name: one for name, one in records.items() if figure in one}
    shown = columns(plan, having)
    rows = []
    for asked in plan.sets:
        cells = [record_of(having, asked, *column) for column in shown]
        if counted := [cell["n"] for cell in cells if cell]:
            differ = len(set(counted)) > 1
            told = (_cell(one, figure, with_items=differ) for one in cells)
            rows.append([asked.title, _range(counted), *told])
    return table(["set", "items", *(column_title(*column) for column in shown)], rows)


def forgetting_table(plan: Plan, records: Records) -> str:
    """Return the states of the audits, a line an audit and model: all databases together."""
    rows = []
    for audit in plan.audits:
        for model, facts in columns(plan, records):
            if one := together(plan, records, audit, model, facts):
                cells = [_cell(one, name) for name in AUDIT_COLUMNS]
                rows.append([audit.title, column_title(model, facts), one["n"], *cells])
    return table(["asked of", "model", "prompts", *AUDIT_COLUMNS.values()], rows)


def databases_table(plan: Plan, records: Records) -> str:
    """Return FULL and R of each database, a line an audit and database."""
    shown = [
        column
        for column in columns(plan, records)
        if any(record_of(records, one, *column) for one in plan.sets if one.group)
    ]
    rows = []
    for audit in plan.audits:
        for asked in plan.of_audit(audit):
            told = [record_of(records, asked, *column) for column in shown]
            if len(plan.of_audit(audit)) > 1 and any(told):
                cells = [_states(one) for one in told]
                rows.append([audit.title, asked.title, _range([one["n"] for one in told if one])])
                rows[-1] += cells
    heads = (f"{column_title(*column)}: FULL, R, L" for column in shown)
    return table(["asked of", "database", "prompts", *heads], rows)


def together(
    plan: Plan, records: Records, audit: Audit, model: ShownModel, facts: str
) -> Record | None:
    """Return the shares of all databases of an audit, None where none was asked.

    Each prompt counts alike. They are as many in each database that has as many styles, so this
    is the mean over databases, too.
    """
    told = [record_of(records, one, model, facts) for one in plan.of_audit(audit)]
    there = [one for one in told if one is not None]
    if not there:
        return None
    n = sum(one["n"] for one in there)
    counts = {
        name: sum(round(one[name]["value"] * one["n"]) for one in there) for name in AUDIT_STATES
    }
    return {"n": n, **{name: share_of(count / n, n) for name, count in counts.items()}}


def speed_table(record: Record | None) -> str:
    """Return items a second by turns, and the ratios to the last model; empty without a record."""
    if record is None:
        return ""
    *_, last = record["items_a_second"]
    rows = []
    for name, median in record["median"].items():
        low, middle, high = ratios(record, name, last)
        rows.append([name, f"{median:.2f}", f"{middle:.1f} ({low:.1f}–{high:.1f})"])
    heads = ["model", "items a second, median", f"times {last}: median (least–most)"]
    return table(heads, rows)


def speed_sentence(record: Record | None) -> str:
    """Return how the speed was measured; empty without a record."""
    if record is None:
        return "The speed was not measured in this run."
    return (
        f"Held-out completion, {record['rounds']} rounds of {record['items']} items by turns in one "
        f"process, {record['at_once']} prompts at once, threads: {record['threads']}; up to "
        f"{record['max_tokens']} tokens each. Before it began, {record['load_before']} programs "
        "ran or waited for the two cores."
    )


def outputs_table(outputs: Sequence[Record]) -> str:
    """Return what the models wrote behind the same prompts, a line a prompt."""
    rows = [
        [_escaped(told[0]["prompt"]), *(_written(one) for one in told)]
        for told in zip(*(record["outputs"] for record in outputs), strict=True)
    ]
    return table(["prompt", *(record["model"] for record in outputs)], rows)


def outputs_counts(outputs: Sequence[Record]) -> str:
    """Return a sentence on what was drawn, and how many of it are right."""
    if not outputs:
        return ""
    n, seed = len(outputs[0]["outputs"]), outputs[0]["seed"]
    right = [
        f"{record['model']} {sum(one['right'] for one in record['outputs'])} of {n}"
        for record in outputs
    ]
    return (
        f"The prompts are {n}, a third each first questions about bundled facts, openings about "
        f"invented entities, and wordings of our own set, drawn with seed {seed} and not chosen. "
        f"Right: {', '.join(right)}."
    )


def commands_table(plan: Plan, records: Records) -> str:
    """Return the command of each set, once, with the options of its other runs."""
    rows = []
    first = {one.group: one.name for one in reversed(plan.sets) if one.group}
    for asked in plan.sets:
        of_it = [one for one in records.values() if one["set"] == asked.name]
        if asked.group and asked.name != first[asked.group]:
            continue  # the commands of an audit differ by database alone
        if not of_it:
            continue
        run = {one["facts"] for one in of_it}
        options = [
            ("memory off", asked.off, "none"),
            ("facts in the prompt", asked.prompt, "prompt"),
        ]
        others = [f"{why}: `{' '.join(words)}`" for why, words, facts in options if facts in run]
        words = (*plan.asking, *asked.command, *(("--items", "N") if asked.items else ()))
        command = f"`lamlam eval {_short(words)} --model FILE --json`"
        seed = of_it[0]["seed"]
        rows.append([asked.title, command, "; ".join(others), NOTHING if seed is None else seed])
    return table(["set", "command", "with", "seed"], rows)


def data_list(records: Records) -> str:
    """Return the hashes of the data files."""
    files = {
        file: digest for one in records.values() for file, digest in one["data_sha256"].items()
    }
    return "\n".join(
        f"- `{name.rpartition('/')[2]}`: `{digest[:16]}…`" for name, digest in sorted(files.items())
    )


def versions_line(records: Iterable[Record]) -> str:
    """Return every version that some record has."""
    found = {f"{name} {number}" for one in records for name, number in one["versions"].items()}
    return ", ".join(sorted(found))


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _cell(one: Record | None, figure: str, *, with_items: bool = False) -> str:
    if one is None or figure not in one:
        return NOTHING
    share: dict[str, Any] = one[figure]
    items = f", {one['n']}" if with_items else ""
    return f"{share['value']:.2f} ({share['low']:.2f}–{share['high']:.2f}{items})"


def _states(one: Record | None) -> str:
    if one is None:
        return NOTHING
    return ", ".join(f"{one[name]['value']:.2f}" for name in ("full", "R", "L"))


def _range(counted: Sequence[int]) -> str:
    low, high = min(counted), max(counted)
    return str(low) if low == high else f"{low}–{high}"


def _written(one: Mapping[str, Any]) -> str:
    mark = "✓" if one["right"] else "✗"
    return f"{mark} {''.join(_part(is_fact, text) for is_fact, text in one['parts']).strip()}"


def _part(is_fact: bool, text: str) -> str:
    shown = _escaped(text)
    if not is_fact or not shown.strip():
        return shown
    inner = shown.strip()
    return shown.replace(inner, f"**{inner}**", 1)


def _escaped(text: str) -> str:
    """Return hostile text as what it is: no Markdown, no HTML, one line."""
    return re.sub(r"([\\`*_\[\]<>|&#~])", r"\\\1", text).replace("\n", " ⏎ ")


def _short(command: Sequence[str]) -> str:
    """Return a command whose files of one folder are one pattern."""
    words: list[str] = []
    for word in command:
        folder, _, name = word.rpartition("/")
        if words and folder and words[-1].rpartition("/")[0] == folder:
            words[-1] = f"{folder}/*.{name.rpartition('.')[2]}"
        else:
            words.append(word)
    return " ".join(words)
