"""What the processes of the soak tests do: ``python -m tests.soak.sqlite_worker PART FILE …``.

Every commit writes one number to two entities and a line of its own into a ledger, so that
half a commit, a lost one, and an old one after a new one can all be told.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Op, Replace
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore

PAIR = ("Left Pan", "Right Pan")
OPERATIONS_A_COMMIT = 4
_LINES_A_PAGE = 50
_PAUSE_S = 0.002  # eight readers that never rest leave the writer no core


def ledger(number: int) -> str:
    """The entity that holds the line of a commit."""
    return f"Ledger page {number // _LINES_A_PAGE}"


def edit(number: int) -> list[Op]:
    """One commit."""
    both: list[Op] = [Replace(Fact(entity=one, relation="n", value=str(number))) for one in PAIR]
    line = Fact(entity=ledger(number), relation="line", value=str(number), sources=(f"s{number}",))
    return [*both, Assert(line), Replace(Fact(entity="Scale", relation="n", value=str(number)))]


def bulk(round_: int, n_facts: int) -> Iterator[Fact]:
    """The facts of one load."""
    for n in range(n_facts):
        yield Fact(entity=f"Load {round_} entity {n // 4}", relation=f"r{n % 4}", value=f"v{n}")


def write(path: Path, first: int, n_commits: int) -> None:
    """Commit after commit; each is said when it is done."""
    with SyncFactStore(path) as store:
        for number in range(first, first + n_commits):
            store.apply(edit(number))
            _say(number)


def load(path: Path, round_: int, n_facts: int) -> None:
    """One load, said when it is done."""
    with SyncFactStore(path) as store:
        _say("begun")
        store.load(bulk(round_, n_facts))
        _say("loaded")


def read(path: Path) -> None:
    """Ask until standard input ends; then say how often, and what was wrong if anything was."""
    done = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    store = SqliteStore(path, read_only=True)
    twin = SyncFactStore(store)
    asked, last, wrong = 0, -1, ""
    with twin:
        _say("reading")
        while not done.is_set() and not wrong:
            left, right = twin.lookup_many([Lookup(one, "n") for one in PAIR])
            if left.values != right.values or len(left.values) != 1:
                wrong = f"{left.values} and {right.values} in one state"
            number = int(left.values[0])
            if number < last:
                wrong = f"{number} after {last}"
            last = max(last, number)
            line = twin.lookup(ledger(number), "line")
            if str(number) not in line.values:
                wrong = f"commit {number} without its line"
            asked += 2
            time.sleep(_PAUSE_S)
    store.close_nowait()
    _say(wrong or asked)


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(part: str, path: str, *numbers: str) -> None:
    """Run a part."""
    given = [int(number) for number in numbers]
    match part:
        case "write":
            write(Path(path), *given)
        case "load":
            load(Path(path), *given)
        case _:
            read(Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
