"""The benchmark of several numbers of processes compares like with like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamlam.trainer import scaling
from lamlam.trainer.benchmark import main
from lamlam.trainer.collectives import exchange_of
from lamlam.trainer.scaling import (
    ScalingPlan,
    add_efficiency,
    as_table,
    child_arguments,
    parse_worlds,
)
from lamlam.trainer.settings import Settings, load_settings
from tests.trainer_processes import configuration

CONFIG = Path("run.toml")


def child(plan: ScalingPlan, config: Path, world: int) -> tuple[Settings, list[str]]:
    """The settings and arguments of one run, as the process that makes it reads them."""
    given = child_arguments(plan, load_settings(config), world, "full", Path("/folder"))
    changes = [value for key, value in zip(given, given[1:], strict=False) if key == "--set"]
    return load_settings(config, changes), given


@pytest.mark.parametrize("is_batch_fixed", [False, True])
def test_every_run_learns_from_as_many_tokens(
    corpus: Path, tmp_path: Path, is_batch_fixed: bool
) -> None:
    config = configuration(corpus, tmp_path / "run", steps=800)
    plan = ScalingPlan(config, (), (1, 2, 8), ("full",), 5.0, 0, is_batch_fixed)
    rows, tokens, planned = set(), set(), set()
    for world in plan.worlds:
        settings, given = child(plan, config, world)
        steps = int(given[given.index("--loss-steps") + 1])
        batch = settings.optimiser.batch_rows
        rows.add(batch // world)
        tokens.add(batch * steps)
        planned.add(batch * settings.run.steps)
        assert settings.run.steps >= 2 * steps  # some follow in which the exchange is watched
        assert settings.run.sharding == "full"
        assert settings.optimiser.accumulate == 0
    assert len(tokens) == len(planned) == 1
    assert rows == ({8, 4, 1} if is_batch_fixed else {8})


def test_parts_that_a_user_chose_stay(corpus: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path / "run")
    changed = ScalingPlan(config, ("optimiser.accumulate=4",), (1,), ("none",), 5.0)
    settings = load_settings(config, list(changed.changes))
    given = child_arguments(changed, settings, 1, "none", tmp_path)
    assert "optimiser.accumulate=4" in given and "optimiser.accumulate=0" not in given


def test_efficiency_is_the_speed_over_that_of_as_many_single_processes() -> None:
    runs: list[dict[str, Any]] = [
        {"processes": 1, "sharding": "none", "tokens_per_s": 1000},
        {"processes": 2, "sharding": "none", "tokens_per_s": 1850},
        {"processes": 4, "sharding": "full", "error": "the memory | is full"},
    ]
    add_efficiency(runs)
    assert [run.get("efficiency") for run in runs] == [1.0, 0.925, None]
    table = as_table(runs).splitlines()
    assert "| 2 | none | 1,850 | 0.925 |" in table[3]
    assert "failed: the memory / is full" in table[4]
    assert {line.count("|") for line in table} == {10}


@pytest.mark.parametrize("world", [2, 8])
def test_what_is_sent_follows_the_messages(world: int) -> None:
    def event(name: str, dims: list[Any], kinds: list[str]) -> dict[str, Any]:
        return {"name": name, "args": {"Input Dims": dims, "Input type": kinds}}

    events = [
        event("c10d::allreduce_", [[[100], [20]]], ["TensorList"]),
        event("c10d::_allgather_base_", [[80], [80 // world]], ["c10::BFloat16"] * 2),
        event("c10d::_reduce_scatter_base_", [[8], [8 * world]], ["float", "float"]),
        event("c10d::alltoall_base_", [[16], [16]], ["c10::BFloat16"] * 2),
        event("aten::mm", [[8, 8], [8, 8]], ["float", "float"]),
        {"name": "ncclDevKernel_AllReduce", "cat": "kernel", "ts": 0, "dur": 3000},
        {"name": "ncclDevKernel_AllGather", "cat": "kernel", "ts": 2000, "dur": 2000},
        {"name": "ncclDevKernel_AllGather", "cat": "kernel", "ts": 9000, "dur": 1000},
    ]
    found = exchange_of(events, 1, world)
    whole = 2 * 480 + 160 + 32 * world + 32
    assert found.sent_bytes == round(whole * (world - 1) / world)
    assert found.busy_ms == 5.0
    assert exchange_of(events * 2, 2, world).sent_bytes == found.sent_bytes


def test_a_run_that_fails_is_a_line_of_its_own_and_the_others_go_on(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = configuration(corpus, tmp_path / "run")
    seen: list[str] = []
    tokens: list[str] = []

    def watched(
        commands: list[tuple[list[str], dict[str, str]]], folder: Path, limit_of: Any, say: Any
    ) -> str | None:
        command, environment = commands[0]
        assert environment["NCCL_NVLS_ENABLE"] == "0"
        seen.append(environment["TORCHINDUCTOR_CACHE_DIR"])
        if "lamlam.trainer.prepare" in command:
            documents = load_settings(config, [command[-1]]).data.documents
            assert Path(documents).read_text().count("\n") == 7
            return None
        world = len(commands)
        assert {env["WORLD_SIZE"] for _, env in commands} == {str(world)}
        assert [env["RANK"] for _, env in commands] == list(map(str, range(world)))
        tokens.extend(part for part in command if part.startswith("data.tokens="))
        if world == 2:
            return "the memory is full (set optimiser.accumulate = 2)"
        figures = Path(command[command.index("--figures") + 1])
        figures.write_text(json.dumps({"tokens_per_s": 10 * world}))
        return None

    monkeypatch.setenv("NCCL_NVLS_ENABLE", "1")
    monkeypatch.setattr(scaling, "run_watched", watched)
    arguments = ["--world-sizes", "4,1,2", "--sharding", "none,full", "--documents", "7"]
    assert main([str(config), *arguments]) == 2
    out, err = capsys.readouterr()
    runs = [json.loads(line) for line in out.splitlines()]
    assert [(run["processes"], run["sharding"]) for run in runs] == [
        (1, "none"), (2, "none"), (2, "full"), (4, "none"), (4, "full"),
    ]  # fmt: skip
    assert runs[1]["error"] == "the memory is full (set optimiser.accumulate = 2)"
    assert runs[4]["efficiency"] == 1.0 and runs[4]["seed"] == 0
    assert "no GPU" in err
    assert len(seen) == 6 and len(set(seen)) == 1
    assert len(tokens) == 5 and len(set(tokens)) == 1


def test_processes_read_data_prepared_once_and_say_each_part(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "run")
    arguments = ["--world-sizes", "2", "--steps", "2", "--fixed-batch"]
    assert main([str(config), *arguments]) == 0
    out, err = capsys.readouterr()
    (run,) = map(json.loads, out.splitlines())
    assert run["tokens_per_s"] > 0 and run["loss_after_same_tokens"] > 0
    assert run["sent_bytes_per_step"] > 0 and run["rows_at_once"] == 4
    parts = [line.partition("→ ")[2] for line in err.splitlines() if "→ " in line]
    assert parts == [
        "join", "data", "model", "micro-batch", "first step", "steps", "exchange", "figures",
    ]  # fmt: skip
    assert [path.name for path in config.parent.iterdir()] == [config.name]


def test_all_runs_take_the_rows_at_once_that_one_found(corpus: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path / "run")

    def accumulate(world: int, found: int, *, is_batch_fixed: bool) -> int:
        plan = ScalingPlan(config, (), (1, world), ("none",), 5.0, 0, is_batch_fixed)
        given = child_arguments(
            plan, load_settings(config), world, "none", tmp_path, rows_at_once=found
        )
        changes = [value for key, value in zip(given, given[1:], strict=False) if key == "--set"]
        return load_settings(config, changes).optimiser.accumulate

    assert accumulate(4, 8, is_batch_fixed=False) == 1  # 8 rows for each process
    assert accumulate(4, 2, is_batch_fixed=False) == 4
    assert accumulate(2, 8, is_batch_fixed=True) == 1  # 4 rows for each
    assert accumulate(2, 3, is_batch_fixed=True) == 2


def test_documents_that_cannot_be_read_or_prepared_are_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "run")
    missing = f"data.documents={json.dumps(str(tmp_path / 'none.jsonl'))}"
    assert main([str(config), "--world-sizes", "1", "--set", missing]) == 2
    err = capsys.readouterr().err
    assert f"error: cannot read {tmp_path / 'none.jsonl'}: No such file" in err
    (tmp_path / "bad.jsonl").write_text("no document\n")
    bad = f"data.documents={json.dumps(str(tmp_path / 'bad.jsonl'))}"
    assert main([str(config), "--world-sizes", "1", "--set", bad]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: the data cannot be prepared: ")
    assert "line 1 is not a training document" in last


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--world-sizes", "1,x"], "numbers of processes, got '1,x'"),
        (["--world-sizes", "0"], "numbers of processes, got '0'"),
        (["--world-sizes", "1", "--sharding", "half"], "--sharding must be some of none, full"),
    ],
)
def test_wrong_lists_are_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(CONFIG), *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert parse_worlds("4,1,4") == (1, 4)
