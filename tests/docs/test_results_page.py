"""docs/results.md and its pictures are of the records; the program that makes the records."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from build_support.results.pictures import PICTURES, digest_of, draw_pictures
from build_support.results.plan import BadPlan, Plan, Run, ShownModel, ShownSet, read_plan
from build_support.results.records import RECORDS, figures, read_json, read_records
from build_support.results.run import main
from build_support.results.tables import outputs_table, share_table, table
from build_support.results.writing import PAGE, page_text, read_outputs
from build_support.results.writing import PICTURES as FOLDER
from lamlam.evaluation.first_questions import read_first_questions
from lamlam.evaluation.invented import load_invented
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
        if path.name.startswith("outputs."):
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
    shown = read_outputs(read_plan())
    assert shown
    for record in shown:
        assert len(record["outputs"]) == 20
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
        '[[sets]]\nname = "invented"\ntitle = "I"\ncommand = ["invented", "--items", "2"]\n'
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
    assert again == {**record, "seconds": again["seconds"]}


def test_pictures_of_one_record_can_be_drawn(tmp_path: Path) -> None:
    """The page may begin with one model and one set, whose share is 0 or 1."""
    ends = ({"value": 0.0, "low": 0.0, "high": 0.1}, {"value": 1.0, "low": 0.9, "high": 1.0})
    plan = Plan((ShownModel("m", "m.gguf", "memory"),), (ShownSet("s", "S", ("audit",)),))
    figures_of_all = dict.fromkeys(("full", "del_on", "false"), ends[0])
    record = {"model": "m", "set": "s", "facts": "memory", "n": 9, "model_bytes": 10**6}
    record |= {**figures_of_all, "exact": ends[1], "del_off": ends[1]}
    draw_pictures(plan, {"s.m.memory": record}, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(PICTURES)
