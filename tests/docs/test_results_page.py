"""docs/results.md and its pictures are of the records; the program that makes the records."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from build_support.results.pictures import PICTURES, digest_of, draw_pictures
from build_support.results.plan import (
    STYLES,
    Audit,
    BadPlan,
    Plan,
    Run,
    ShownModel,
    ShownSet,
    Speed,
    read_plan,
)
from build_support.results.records import (
    AUDIT_STATES,
    RECORDS,
    digest,
    figures,
    read_json,
    read_records,
    share_of,
)
from build_support.results.run import main
from build_support.results.speed import measure_speed, ratios
from build_support.results.tables import (
    databases_table,
    outputs_table,
    share_table,
    table,
    together,
)
from build_support.results.writing import PAGE, page_text, read_outputs
from build_support.results.writing import PICTURES as FOLDER
from lamlam.evaluation.first_questions import read_first_questions
from lamlam.evaluation.invented import load_invented
from lamlam.evaluation.wordings import choose_wordings, load_wordings
from tests.tiny_model import write_tiny_model


def test_page_is_made_of_the_records() -> None:
    """No table was changed by hand, and no record is newer than the page."""
    assert PAGE.read_text("utf-8") == page_text(read_plan()), (
        "python -m build_support.results.run --page"
    )


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_of_the_records(name: str) -> None:
    """Each says so in its description, is light, small, and stands in the page."""
    path = FOLDER / f"{name}.png"
    with Image.open(path) as picture:
        assert picture.info["Description"] == digest_of(read_records(read_plan()))
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert path.stat().st_size < 100_000
    assert f"](pictures/{name}.png)" in PAGE.read_text("utf-8")


def test_records_are_of_the_plan() -> None:
    """No record is left of a run that the plan no longer has, or of another command."""
    runs = {run.name: run for run in read_plan().runs()}
    for path in RECORDS.glob("*.json"):
        if path.name.startswith(("outputs.", "speed.")):
            continue
        record = read_json(path)
        assert record is not None
        assert record["command"] == ["lamlam", "eval", *runs[path.stem].arguments]
        shares = [share for share in record.values() if isinstance(share, dict) and "low" in share]
        assert shares
        assert all(0 <= s["low"] <= s["value"] <= s["high"] <= 1 for s in shares)


def test_outputs_are_of_our_own_prompts() -> None:
    """No sentence of somebody else's data stands on the page."""
    ours = {one.prompt for one in read_first_questions()} | {i.prompt for i in load_invented()[1]}
    ours |= {one.asked.prompt for one in choose_wordings(load_wordings())}
    shown = read_outputs(read_plan())
    assert shown
    for record in shown:
        assert len(record["outputs"]) == 30
        assert {one["prompt"] for one in record["outputs"]} <= ours


def test_a_share_gets_wilsons_interval() -> None:
    """By the rule of thumb for a half: half of 100 lies within 0.1 of it."""
    kept = figures({"items": 100, "exact": 0.5})
    assert kept["n"] == 100
    assert math.isclose(kept["exact"]["low"], 0.4038, abs_tol=1e-4)
    assert math.isclose(kept["exact"]["high"], 0.5962, abs_tol=1e-4)


def test_what_was_not_run_is_a_dash() -> None:
    """A set without any figure has no line, a model without any no column."""
    models = (ShownModel("a", "a.gguf", "memory"), ShownModel("b", "b.gguf", "memory"))
    sets = (ShownSet("s", "S", ("basics",)), ShownSet("t", "T", ("basics",)))
    plan = Plan((*models, ShownModel("c", "c.gguf", "none")), (*sets, ShownSet("u", "U", ())))
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    cells = [(sets[0], models[0]), (sets[0], models[1]), (sets[1], models[1])]
    records = {
        Run(model, asked, "memory").name: {
            "model": model.name,
            "set": asked.name,
            "facts": "memory",
            "n": 9,
            "exact": share,
        }
        for asked, model in cells
    }
    assert share_table(plan, records, "exact") == table(
        ["set", "items", "a, memory on", "b, memory on"],
        [["S", 9, *["0.50 (0.40–0.60)"] * 2], ["T", 9, "–", "0.50 (0.40–0.60)"]],
    )
    assert share_table(plan, records, "false").count("\n") == 1


def test_what_a_model_writes_is_no_markdown() -> None:
    """A text can end no cell, and bring in no picture or element."""
    told = {"prompt": "P", "right": False, "parts": [[False, "![a](b) <i>|\nc"], [True, " *d*"]]}
    line = outputs_table([{"model": "m", "outputs": [told]}]).splitlines()[-1]
    assert line == r"| P | ✗ !\[a\](b) \<i\>\| ⏎ c **\*d\*** |"


def test_a_plan_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    """The message names the model."""
    plan = tmp_path / "plan.toml"
    plan.write_text('[[models]]\nname = "m"\nfile = "f"\nfacts = "memory"\nsize = 3\n')
    with pytest.raises(BadPlan, match="m.*size"):
        read_plan(plan)
    plan.write_text('[[models]]\nname = "m"\nfile = "f"\nfacts = "rag"\n')
    with pytest.raises(BadPlan, match="rag"):
        read_plan(plan)


def test_what_has_a_record_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tiny model on two items; the second call runs what failed before, alone."""
    folder, records = tmp_path / "data", tmp_path / "records"
    folder.mkdir()
    write_tiny_model(folder / "tiny.gguf", with_lookup_tokens=False)
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[[models]]\nname = "tiny"\nfile = "tiny.gguf"\nfacts = "none"\n'
        "share = 0.5\n"
        '[[sets]]\nname = "invented"\ntitle = "I"\ncommand = ["invented"]\nitems = 4\n'
        'off = ["--no-memory"]\n'
        '[[sets]]\nname = "lost"\ntitle = "L"\ncommand = ["pararel", "--items-file", "lost"]\n'
        'off = ["--memory-off"]\n'
    )
    given = ["--plan", str(plan), "--records", str(records), "--folder", str(folder)]
    assert main(given) == 1  # a file is missing, and the rest is run all the same
    assert "lost" in capsys.readouterr().err
    (path,) = records.iterdir()
    record = json.loads(path.read_text("utf-8"))
    assert record["n"] == 2

    path.write_text(json.dumps({**record, "n": -1}))
    main(given)
    assert json.loads(path.read_text("utf-8"))["n"] == -1
    path.write_text(json.dumps({**record, "n": -1, "model_sha256": "another"}))
    main(given)
    again = json.loads(path.read_text("utf-8"))
    changing = {name: again[name] for name in ("seconds", "wall_seconds", "load_before")}
    assert again == {**record, **changing}


def test_pictures_of_one_record_can_be_drawn(tmp_path: Path) -> None:
    """The page may begin with one model and one set, whose share is 0 or 1."""
    ends = ({"value": 0.0, "low": 0.0, "high": 0.1}, {"value": 1.0, "low": 0.9, "high": 1.0})
    audits = (Audit("s", "S", ("audit",), 1),)
    sets = (ShownSet("s", "S", ("audit",), group="s"),)
    plan = Plan((ShownModel("m", "m.gguf", "memory"),), sets, audits)
    figures_of_all = dict.fromkeys((*AUDIT_STATES, "false"), ends[0])
    record = {"model": "m", "set": "s", "facts": "memory", "n": 9, "model_bytes": 10**6}
    record |= {**figures_of_all, "exact": ends[1], "del_off": ends[1]}
    draw_pictures(plan, {"s.m.memory": record}, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(PICTURES)


def audited(share: float, n: int) -> dict[str, object]:
    """Return the record of an audit in which every state has this share."""
    return {"n": n, **{name: share_of(share, n) for name in AUDIT_STATES}}


def test_databases_of_an_audit_are_counted_together() -> None:
    """Each prompt counts alike: 10 of 10 and 0 of 30 are a quarter of 40, with its interval."""
    model = ShownModel("m", "m.gguf", "memory")
    audit = Audit("a", "A", ("audit",), 1)
    sets = tuple(ShownSet(name, name, ("audit",), group="a") for name in ("x", "y"))
    plan = Plan((model,), sets, (audit,))
    place = {"model": "m", "facts": "memory"}
    records = {
        "x.m.memory": {**audited(1.0, 10), **place, "set": "x"},
        "y.m.memory": {**audited(0.0, 30), **place, "set": "y"},
    }
    found = together(plan, records, audit, model, "memory")
    assert found == audited(0.25, 40)
    assert "| A | x | 10 | 1.00, 1.00, 1.00 |" in databases_table(plan, records)
    assert together(plan, records, audit, model, "prompt") is None


def test_an_audit_has_a_run_for_each_database(tmp_path: Path) -> None:
    """One with no databases of its own command has one; all models' items keep their share."""
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'asking = ["--at-once", "3"]\n'
        '[[models]]\nname = "a model"\nfile = "f"\nfacts = "memory"\nshare = 0.5\n'
        '[[audits]]\nname = "a"\ntitle = "A"\ncommand = ["audit"]\nitems = 4\n'
        '[[audits]]\nname = "b"\ntitle = "B"\ncommand = ["forgetting"]\nitems = 2\ndatabases = []\n'
        '[[databases]]\nname = "one\'s own, small"\ndatabase = "d.json"\nprompts = "p"\n'
        '[[databases]]\nname = "two"\ndatabase = "e.json"\nprompts = "q"\n'
    )
    first, second, third = read_plan(plan).runs()
    assert first.name == "a-ones-own-small.a-model.memory"
    assert first.arguments[:6] == ("--at-once", "3", "audit", "--database", "d.json", "--prompts")
    assert first.arguments[6:12] == tuple(f"p/prompts_{style}.jsonl" for style in STYLES)
    assert first.arguments[12:] == ("--items", "2", "--model", "f", "--json")
    assert first.set.data == ("d.json", *first.arguments[6:12])
    assert (second.set.title, third.set.title) == ("two", "B")
    assert third.arguments == (
        "--at-once",
        "3",
        "forgetting",
        "--items",
        "1",
        "--model",
        "f",
        "--json",
    )


def test_one_command_measures_another_file_of_one_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other model is left alone; the record has the hash of the file that was given."""
    write_tiny_model(tmp_path / "a.gguf", with_lookup_tokens=False)
    write_tiny_model(tmp_path / "b.gguf")
    plan, records = tmp_path / "plan.toml", tmp_path / "records"
    plan.write_text(
        '[[models]]\nname = "m"\nfile = "a.gguf"\nfacts = "none"\n'
        '[[models]]\nname = "n"\nfile = "a.gguf"\nfacts = "none"\n'
        '[[sets]]\nname = "i"\ntitle = "I"\ncommand = ["invented"]\nitems = 1\n'
        'off = ["--no-memory"]\n'
    )
    given = ["--plan", str(plan), "--records", str(records), "--folder", str(tmp_path)]
    other = str(tmp_path / "b.gguf")
    assert main([*given, "--models", "m", "--file", f"m={other}"]) == 0
    (path,) = records.iterdir()
    record = json.loads(path.read_text("utf-8"))
    assert record["model_sha256"] == digest(Path(other))
    assert record["command"][-2] == "a.gguf"
    assert {"wall_seconds", "load_before", "seed", "data_sha256"} <= record.keys()
    assert main([*given, "--models", "m", "--facts", "memory"]) == 0
    assert json.loads(path.read_text("utf-8")) == record
    with pytest.raises(SystemExit):
        main([*given, "--models", "o"])
    assert "--models o: expected some of m, n" in capsys.readouterr().err


def test_models_write_by_turns_and_are_compared_round_by_round(tmp_path: Path) -> None:
    """Two tiny models on documents of our own: a rate each round, and ratios of the same rounds."""
    write_tiny_model(tmp_path / "a.gguf", with_lookup_tokens=False)
    lines = [
        {
            "title": name,
            "text": f"{name} is a small village in the county of Vell.",
            "facts": [[name, "County", "Vell"]],
            "at": [len(name) + len(" is a small village in the county of ")],
            "by": "s",
        }
        for name in ("Ostrel", "Quarnes", "Halvik", "Pelt")
    ]
    (tmp_path / "held.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    models = tuple(
        ShownModel(name, "a.gguf", facts) for name, facts in (("m", "none"), ("n", "prompt"))
    )
    plan = Plan(models, (), speed=Speed("held.jsonl", 3, 1, ("m", "n")))
    record = measure_speed(plan, tmp_path)
    assert record["n"] == 3
    assert [len(one) for one in record["items_a_second"].values()] == [3, 3]
    told = {"items_a_second": {"m": [2.0, 9.0, 4.0], "n": [1.0, 3.0, 4.0]}}
    assert ratios(told, "m", "n") == (1.0, 2.0, 3.0)
