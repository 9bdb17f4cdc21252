"""``lamlam facts changes``, ``history``, ``undo`` and ``sweep``: when, by whom, and back again."""

from __future__ import annotations

import json

import pytest

import lamlam
from lamlam.cli import facts_changes
from lamlam.cli.facts_changes import bounds, followed
from lamlam.memory_backends.model.clock import clock_at
from tests.cli.facts_command import Facts, as_json

_DAYS = ("2020-05-01", "2021-05-01T12:00:00+00:00", "2022-05-01")
STORE = ("--memory", "sqlite:///mine.db")


def put(*facts: lamlam.Fact, at: str, actor: str | None = None) -> None:
    """Write facts as if it was that day."""
    with clock_at(at), lamlam.SyncFactStore("sqlite:///mine.db") as store:
        store.apply([lamlam.Replace(fact) for fact in facts], actor=actor)


def mayor(name: str, **more: object) -> lamlam.Fact:
    """Return a fact about a mayor."""
    return lamlam.Fact(entity="Lowmere", relation="mayor", value=name, **more)  # type: ignore[arg-type]


@pytest.fixture
def three(facts: Facts) -> Facts:
    """Three commits, a year apart, two of them with an actor."""
    for name, at, actor in zip("ABC", _DAYS, ("registrar", None, "editor"), strict=True):
        put(mayor(name), at=at, actor=actor)
    return facts


@pytest.mark.parametrize(
    ("options", "revisions"),
    [
        ((), [1, 2, 3]),
        (("--since", "1"), [2, 3]),
        (("--since", "2021"), [2, 3]),
        (("--since", "2021-05-01", "--until", "2021-05-01"), [2]),
        (("--since", "May 2020", "--until", "1 May 2021"), [1, 2]),
        (("--since", "2021-05-01T12:00:01+00:00"), [3]),
        (("--until", "2021-05-01T12:00:00+00:00"), [1]),
        (("--until", "2020"), [1]),
        (("--until", "2"), [1, 2]),
        (("--since", "44 BC", "--until", "9999-12-31"), [1, 2, 3]),
    ],
)
def test_a_date_or_revision_bounds_the_changes(
    options: tuple[str, ...], revisions: list[int]
) -> None:
    """A date includes all of its day, month or year; a number is a revision, or a year that the
    store has not reached.
    """
    given = dict(zip(options[::2], options[1::2], strict=True))
    with lamlam.SyncFactStore("memory:") as store:
        for name, at in zip("ABC", _DAYS, strict=True):
            with clock_at(at):
                store.apply([lamlam.Replace(mayor(name))])
        first, last = bounds(store, given.get("--since"), given.get("--until"))
    assert [number for number in (1, 2, 3) if first < number <= last] == revisions


def test_changes_say_when_and_by_whom(three: Facts) -> None:
    """Each commit is a line with time and actor, its changes are below it."""
    status, out, _ = three("changes", "--since", "2", *STORE)
    assert status == 0
    assert out.splitlines() == [
        "revision 3 2022-05-01 00:00:00 UTC by editor",
        "  ended: Lowmere | mayor | B",
        "  asserted: Lowmere | mayor | C",
    ]
    (first, *_) = as_json(three("changes", "--json", *STORE))["changes"]
    assert (first["at"], first["actor"]) == ("2020-05-01T00:00:00+00:00", "registrar")
    assert first["fact"]["value"] == "A"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "soon"), "ISO 8601; or give a revision)"),
        (("--since", "7"), "is at revision 3 and has not reached 7"),
        (("--until", "2021-05-01T12:00:00"), "--until: the time 2021-05-01T12:00:00 has no zone"),
    ],
)
def test_changes_refuse_what_is_no_date(three: Facts, options: tuple[str, ...], said: str) -> None:
    """One line says which option is wrong."""
    status, out, error = three("changes", *options, *STORE)
    assert (status, out) == (2, "") and said in error and error.count("\n") == 1


def test_history_says_when_and_by_whom(three: Facts) -> None:
    """A fact that ended has the times and actors of its two commits."""
    first, second = as_json(three("history", "Lowmere", "--json", *STORE))["facts"]
    assert (first["asserted_by"], first["retracted_by"]) == ("registrar", None)
    assert (second["asserted_by"], second["retracted_by"]) == (None, "editor")
    assert second["asserted_at"] == first["retracted_at"] == "2021-05-01T12:00:00+00:00"


def test_an_undo_is_shown_done_and_refused(three: Facts) -> None:
    """``--dry-run`` shows what an undo does; what changed again asks for a choice."""
    told = as_json(three("undo", "3", "--dry-run", "--json", *STORE))
    assert told["operations"] == ["retract: Lowmere | mayor | C", "assert: Lowmere | mayor | B"]
    assert (told["revision"], told["changed"]) == (3, 0)
    assert three("undo", "3", "--actor", "judge", *STORE)[0] == 0
    assert as_json(three("get", "Lowmere", "mayor", "--json", *STORE))["values"] == ["B"]
    assert "by judge" in three("changes", "--since", "3", *STORE)[1]
    status, _, error = three("undo", "2", *STORE)
    assert status == 2 and "'mayor' of 'Lowmere' (revision 3)" in error and "--later skip" in error
    assert three("undo", "2", "--force", *STORE)[0] == 0
    assert as_json(three("get", "Lowmere", "mayor", "--json", *STORE))["values"] == ["A"]


def test_a_sweep_is_shown_and_done(facts: Facts) -> None:
    """``sweep`` ends what has expired, once, in the namespace that is named; asked about, an
    expired fact is named with its period.
    """
    put(mayor("A", valid_to="2020"), at="2019", actor="registrar")
    status, _, error = facts("get", "Lowmere", "mayor", *STORE)
    assert status == 1 and "but for other times: A until 2020-01-01" in error
    (near,) = as_json(facts("get", "Lowmere", "mayor", "--json", *STORE))["candidates"]
    assert (near["valid_to"], near["facts"][0]["value"]) == ("2020-01-01", "A")
    assert facts("sweep", "--at", "2019-06", "--namespace", "users/7", *STORE)[0] == 1
    assert as_json(facts("sweep", "--dry-run", "--json", *STORE))["facts"] == 1
    assert as_json(facts("sweep", "--json", *STORE))["ended"][0]["value"] == "A"
    (past,) = as_json(facts("history", "Lowmere", "--json", *STORE))["facts"]
    assert past["retracted_by"] == "expiry"


def test_new_commits_are_followed(three: Facts) -> None:
    """Each is told once, those of other connections too; a look at nothing new tells nothing."""
    names = iter("DEF")
    n_looks = 0

    def write_some() -> None:
        nonlocal n_looks
        n_looks += 1
        if n_looks > 1 and n_looks % 2 == 0:
            put(mayor(next(names)), at="2023-05-01")

    with lamlam.SyncFactStore("sqlite:///mine.db", read_only=True) as store:
        given = followed(store, 2, (), write_some)
        told = [[int(one.revision) for one in next(given)] for _ in range(4)]
    assert [sorted(set(one)) for one in told] == [[3], [4], [5], [6]]
    assert n_looks == 6


def test_following_shows_what_comes(three: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, or from --since on; what cannot be followed is refused."""
    n_waits = 0

    def wait() -> None:
        nonlocal n_waits
        n_waits += 1
        if n_waits == 2:
            raise KeyboardInterrupt
        put(mayor("D"), at="2023-05-01", actor="clerk")

    monkeypatch.setattr(facts_changes, "wait", wait)
    status, out, _ = three("changes", "--follow", *STORE)
    assert (status, "by clerk" in out, "by editor" in out) == (130, True, False)
    n_waits = 0
    _, out, _ = three("changes", "--follow", "--since", "2", "--json", *STORE)
    lines = [json.loads(line) for line in out.splitlines()]
    assert {one["revision"] for one in lines} == {3, 4}
    status, _, error = three("changes", "--follow", "--until", "3", *STORE)
    assert status == 2 and "--until" in error
    three("copy", "mine.db", "mine.json")
    status, _, error = three("changes", "--follow", "--memory", "memory:mine.json")
    assert status == 2
