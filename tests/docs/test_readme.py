"""The README's Python runs as printed, and its shell lines name commands that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from lamlam.cli.app import app
from lamlam.extras import EXTRAS
from tests.pages import DOCS, fences, page
from tests.paths import ROOT
from tests.programs import output_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]

README = page("README.md")


def test_the_python_example_runs(tmp_path: Path) -> None:
    """The example writes the value that it put into memory, and shows the lookup."""
    (program,) = fences(README)
    text, *lookups = output_of(program, folder=tmp_path).splitlines()
    (shown,) = re.findall(r'^This prints "(.*)" and the three lookups\.$', README, re.MULTILINE)
    assert text == shown
    assert "birth place hit Lowmere" in lookups
    assert [line.split(" hit ")[1] in text for line in lookups] == [True] * 3


def test_the_examples_on_memory_run(tmp_path: Path) -> None:
    """One after the other, as a reader types them, in the folder where the README's ran.

    The JSON lines can be imported.
    """
    memory = page("memory.md")
    (tmp_path / "lines.jsonl").write_text("".join(fences(memory, "json")), encoding="utf-8")
    program = "\n".join([*fences(README), *fences(memory)])
    program += "\nwith lamlam.SyncFactStore('memory:') as store:"
    program += "\n    put(store, FactFile('lines.jsonl'))"
    output_of(program, folder=tmp_path)


def test_the_python_example_is_short() -> None:
    """Fifteen lines of code or fewer."""
    (program,) = fences(README)
    assert len([line for line in program.splitlines() if line.strip()]) <= 15


def _lamlam_lines() -> list[list[str]]:
    lines = "".join(fences(README, "sh")).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("lamlam ")]


def test_the_commands_for_ones_own_facts_work(lamlam_command: Command, tmp_path: Path) -> None:
    """Import, ask, set and forget, typed as the README has them, do what it says."""
    (fact,) = re.findall(r"^echo '(\{.*\})' > mine\.jsonl$", README, re.MULTILINE)
    (tmp_path / "mine.jsonl").write_text(fact + "\n", encoding="utf-8")
    for arguments in _lamlam_lines():
        done = lamlam_command(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        if arguments[0] == "ask" and "--memory" in arguments:
            text = done.stdout.splitlines()[0]
            if arguments[1].endswith("?"):
                assert text == f"{arguments[1]} Lowmere"
            else:
                assert text == "Ada Quill was born at Lowmere." and f'"{text}"' in README


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_commands_that_the_docs_name_exist(path: Path) -> None:
    """Each ``lamlam WORD [WORD]`` in a page of the documentation is a command."""
    root = typer.main.get_command(app)
    groups = root.commands  # type: ignore[attr-defined]
    named = re.findall(r"`lamlam ([a-z]+)(?: ([a-z]+))?", path.read_text(encoding="utf-8"))
    for word, second in named:
        assert word in groups, word
        if second and hasattr(groups[word], "commands"):
            assert second in groups[word].commands, f"{word} {second}"


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS],
    ids=lambda path: path.name,
)
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link or picture of a page is a file of the repository."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (path.parent / target).exists()]


def _headings(path: Path) -> set[str]:
    """Return what a link to a heading of the page ends with, as GitHub makes it."""
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS],
    ids=lambda path: path.name,
)
def test_links_to_headings_name_them(path: Path) -> None:
    """Each link to a heading, of the same page or another one, leads to one."""
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)]+)\)", path.read_text(encoding="utf-8"))
    lost = []
    for page_name, heading in links:
        target = path.parent / page_name if page_name else path
        if heading not in _headings(target):
            lost.append(f"{page_name}#{heading}")
    assert not lost


def test_the_lines_that_install_name_extras_that_exist() -> None:
    """Each extra has a place in the table, each line that installs names extras, and the first
    needs none.
    """
    table = README.partition("| extra | what it adds |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    named_there = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
    assert sorted(named_there) == sorted([*EXTRAS, "all"])
    first, *others = re.findall(r"^pip install (\S+)", README, re.MULTILINE)
    assert first == "./lamlam"
    named = [re.findall(r"\[(.*)\]", line) for line in others]
    assert all(one and set(one[0].split(",")) <= EXTRAS.keys() for one in named)
    assert named[0] == ["engine"]
