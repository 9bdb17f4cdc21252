"""Measures the models of results.toml on its sets, and writes docs/results.md of the records.

    python -m build_support.results.run --folder FOLDER
    python -m build_support.results.run --page

The first runs, from the root of the repository, what has no record yet, or one of another model,
data, command or version; Ctrl-C stops it, and the next call goes on. FOLDER has the files that
results.toml names. The second writes page and pictures of the records alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from build_support.results.outputs import outputs_identity, write_outputs
from build_support.results.plan import PLAN, BadPlan, Plan, read_plan
from build_support.results.records import (
    RECORDS,
    RunFailed,
    identity_of,
    is_of,
    outputs_path,
    read_json,
    read_records,
    run,
    write_json,
)
from lamlam.errors import LamLamError

OUTPUTS = "outputs"  # among the sets: what the models write, verbatim


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and return the exit status: 1 where a run failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--plan", type=Path, default=PLAN, help="models and sets, TOML")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where records are kept")
    parser.add_argument("--folder", type=Path, help="where the models and data are")
    parser.add_argument(
        "--sets", nargs="+", default=(), metavar="NAME", help="only these sets; outputs is one"
    )
    parser.add_argument("--page", action="store_true", help="write docs/results.md and pictures")
    given = parser.parse_args(arguments)
    if not given.folder and not given.page:
        parser.error("expected --folder FOLDER (to measure) or --page (to write the page)")
    try:
        plan = read_plan(given.plan)
    except BadPlan as error:
        parser.error(str(error))
    known = [*(one.name for one in plan.sets), OUTPUTS]
    if unknown := [name for name in given.sets if name not in known]:
        parser.error(f"--sets {' '.join(unknown)}: expected some of {', '.join(known)}")
    failed = 0
    if given.folder:
        failed = measure(plan, given.folder, given.records, given.sets)
        if not given.sets or OUTPUTS in given.sets:
            failed += draw_outputs(plan, given.folder, given.records)
    if given.page:
        from build_support.results.writing import write_page

        write_page(plan, given.records)
    return min(failed, 1)


def measure(plan: Plan, folder: Path, records: Path = RECORDS, sets: Collection[str] = ()) -> int:
    """Run what has no record, and return how many runs failed; the others go on."""
    failed = 0
    # Those with facts come first: they are what a page that is cut short needs most.
    for one in sorted(plan.runs(), key=lambda one: one.facts == "none"):
        if sets and one.set.name not in sets:
            continue
        try:
            there = read_records(plan, records).get(one.name)
            if is_of(there, identity_of(one, folder)):
                continue
            record = run(one, folder)
        except (OSError, RunFailed) as error:
            failed += 1
            sys.stderr.write(f"{error}\n")
            continue
        write_json(records / f"{one.name}.json", record)
        sys.stderr.write(f"{one.name}: {record['n']} items\n")
    return failed


def draw_outputs(plan: Plan, folder: Path, records: Path = RECORDS) -> int:
    """Let each model with a memory write behind the drawn prompts; return how many failed."""
    failed = 0
    for model in plan.models:
        if model.facts != "memory":
            continue
        path = outputs_path(model, records)
        try:
            if is_of(read_json(path), outputs_identity(model, folder)):
                continue
            write_json(path, write_outputs(model, folder))
        except (OSError, LamLamError) as error:
            failed += 1
            sys.stderr.write(f"outputs of {model.name}: {error}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
