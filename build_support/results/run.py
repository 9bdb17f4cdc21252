"""Measures the models of results.toml on its sets, and writes docs/results.md of the records.

    python -m build_support.results.run --folder FOLDER
    python -m build_support.results.run --folder FOLDER --models NAME --file NAME=FILE --page
    python -m build_support.results.run --page

The first runs, from the root of the repository, what has no record yet, or one of another model,
data, command or version; Ctrl-C stops it, and the next call goes on. FOLDER has the files that
results.toml names. The second does so for one model, of which another file is taken, and writes
the page. The third writes page and pictures of the records alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from build_support.results.outputs import outputs_identity, write_outputs
from build_support.results.plan import FACTS, PLAN, BadPlan, Plan, read_plan
from build_support.results.records import (
    RECORDS,
    Files,
    Record,
    RunFailed,
    identity_of,
    is_of,
    outputs_path,
    read_json,
    run,
    write_json,
)
from build_support.results.speed import SPEED, measure_speed, speed_identity
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
    parser.add_argument("--models", nargs="+", default=(), metavar="NAME", help="only these models")
    parser.add_argument(
        "--facts", nargs="+", default=FACTS, choices=FACTS, help="only with facts there"
    )
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="take this file for a model; may be given several times",
    )
    parser.add_argument("--page", action="store_true", help="write docs/results.md and pictures")
    given = parser.parse_args(arguments)
    if not given.folder and not given.page:
        parser.error("expected --folder FOLDER (to measure) or --page (to write the page)")
    try:
        plan = read_plan(given.plan)
    except BadPlan as error:
        parser.error(str(error))
    sets = [*(one.name for one in plan.sets), *(one.name for one in plan.audits), OUTPUTS, SPEED]
    models = [one.name for one in plan.models]
    files = dict(one.partition("=")[::2] for one in given.file)
    for option, names, known in (
        ("--sets", given.sets, sets),
        ("--models", given.models, models),
        ("--file", files, models),
    ):
        if unknown := [name for name in names if name not in known]:
            parser.error(f"{option} {' '.join(unknown)}: expected some of {', '.join(known)}")
    failed = 0
    if given.folder:
        work = Work(
            plan,
            given.folder,
            given.records,
            {name: Path(file) for name, file in files.items()},
            frozenset(given.sets),
            frozenset(given.models),
            frozenset(given.facts),
        )
        failed = work.measure() + work.draw_outputs() + work.compare_speed()
    if given.page:
        from build_support.results.writing import write_page

        write_page(plan, given.records)
    return min(failed, 1)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be measured, and where from."""

    plan: Plan
    folder: Path
    records: Path = RECORDS
    files: Files = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    """Only these, and those of these audits; all where there is none."""
    models: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset(FACTS)

    def measure(self) -> int:
        """Run what has no record, and return how many runs failed; the others go on."""
        failed = 0
        # Those with facts come first: they are what a page that is cut short needs most.
        for one in sorted(self.plan.runs(), key=lambda one: one.facts == "none"):
            if not (self._wants(one.set.name) or self._wants(one.set.group)):
                continue
            if self._has(one.model.name) and one.facts in self.facts:
                failed += self._kept(
                    one.name,
                    partial(identity_of, one, self.folder, self.files),
                    partial(run, one, self.folder, self.files),
                )
        return failed

    def draw_outputs(self) -> int:
        """Let each model with a memory write behind the drawn prompts; return how many failed."""
        return sum(
            self._kept(
                outputs_path(model, self.records).stem,
                partial(outputs_identity, model, self.folder, self.files),
                partial(write_outputs, model, self.folder, self.files),
            )
            for model in self.plan.models
            if model.facts == "memory" and self._wants(OUTPUTS) and self._has(model.name)
        )

    def compare_speed(self) -> int:
        """Let models write by turns, if one of them is asked for; return how many runs failed."""
        speed = self.plan.speed
        if speed is None or not self._wants(SPEED) or not any(map(self._has, speed.models)):
            return 0
        return self._kept(
            SPEED,
            partial(speed_identity, self.plan, self.folder, self.files),
            partial(measure_speed, self.plan, self.folder, self.files),
        )

    def _wants(self, name: str) -> bool:
        return not self.sets or name in self.sets

    def _has(self, model: str) -> bool:
        return not self.models or model in self.models

    def _kept(self, name: str, identity: Callable[[], Record], made: Callable[[], Record]) -> int:
        """Make a record and keep it, unless there is one of the same; return 1 for a failure."""
        path = self.records / f"{name}.json"
        try:
            if is_of(read_json(path), identity()):
                return 0
            write_json(path, record := made())
        except (OSError, RunFailed, LamLamError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        sys.stderr.write(f"{name}: {record.get('n', 'done')}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main())
