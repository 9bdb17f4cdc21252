"""Each example runs by itself and shows what its docstring says."""

from __future__ import annotations

import json
from pathlib import Path

from lamlam.trainer.documents import read_documents
from tests.paths import ROOT
from tests.programs import run_python

EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: str, cwd: Path) -> str:
    """Return what the example printed on standard output."""
    done = run_python(str(EXAMPLES / name), *arguments, folder=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def after(label: str, output: str) -> str:
    """Return the rest of the line that begins with the label."""
    return next(line for line in output.splitlines() if line.startswith(label)).removeprefix(label)


def test_bundled_facts_are_written_and_named(tmp_path: Path) -> None:
    output = run("write_with_facts.py", cwd=tmp_path)
    texts = [block.splitlines() for block in output.strip().split("\n\n")]
    assert len(texts) == 3
    for text, *notes in texts:
        assert notes, f"nothing was looked up in {text!r}"
        value = notes[0].split(": ", 1)[1].rsplit(" (from ", 1)[0]
        assert f"[{value}]" in text


def test_an_edit_shows_and_a_forgotten_fact_is_gone(tmp_path: Path) -> None:
    output = run("edit_and_forget.py", cwd=tmp_path)
    assert "born in Lowmere" in after("known:", output)
    assert "born in Highmere" in after("changed:", output)
    forgotten = after("forgotten:", output)
    assert "born in" in forgotten
    assert "Lowmere" not in forgotten
    assert "Highmere" not in forgotten


def test_own_facts_reach_the_texts(tmp_path: Path) -> None:
    output = run("own_facts_from_a_file.py", cwd=tmp_path)
    n_facts, *texts = output.splitlines()
    assert n_facts == "17 facts"
    due = {
        "Ottilie Fernhout was born in": "Grauwmeer",
        "The Lantern Clerk is a 1954 comedy film directed by": "Basil Oddie",
        "Fernhout Bellows is a company founded by": "Ottilie Fernhout",
        "The Salt Ledger is a novel by": "Minna Truscott",
    }
    for prompt, value in due.items():
        assert any(text.startswith(f"{prompt} {value}") for text in texts), prompt


def test_another_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    fact = {"entity": "The Salt Ledger", "relation": "written by", "value": "Zanna Pelk"}
    path.write_text(json.dumps(fact) + "\n", encoding="utf-8")
    output = run("own_facts_from_a_file.py", str(path), cwd=tmp_path)
    assert output.startswith("1 facts\n")
    assert "The Salt Ledger is a novel by Zanna Pelk" in output


def test_the_tiny_corpus_is_what_its_script_writes(tmp_path: Path) -> None:
    copy = tmp_path / "make_tiny_corpus.py"
    copy.write_bytes((EXAMPLES / copy.name).read_bytes())
    done = run_python(str(copy), folder=tmp_path)
    assert done.stdout == "400 documents\n"
    written = (tmp_path / "tiny_corpus.jsonl").read_bytes()
    assert written == (EXAMPLES / "tiny_corpus.jsonl").read_bytes()
    assert len(list(read_documents(EXAMPLES / "tiny_corpus.jsonl"))) == 400


def test_an_agent_gets_tools(tmp_path: Path) -> None:
    output = run("tools_for_an_agent.py", cwd=tmp_path)
    documented = (EXAMPLES / "tools_for_an_agent.py").read_text(encoding="utf-8").split('"""')[1]
    shown = [line.strip() for line in documented.splitlines() if line.startswith("    ")]
    assert output.splitlines() == shown
