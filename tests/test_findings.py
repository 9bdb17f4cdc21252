"""Every script of ``findings/`` says what it shows, pins what it installs, and can be run.

They are read, not run: a run needs a package index.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.paths import ROOT

FINDINGS = ROOT / "findings"
SCRIPTS = sorted(FINDINGS.glob("*.sh"))
PARTS = ("Versions:", "Valid input:", "Expected:", "Seen:")
GOOD = """#!/bin/sh
# A tool does something else.
#
# Versions: tool 1.2.
# Valid input: a.
# Expected: b.
# Seen: c.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
pip install --target "$folder" tool==1.2
test "$(tool a)" = c || exit 1
"""


def faults(script: Path) -> list[str]:
    """Return what the script lacks."""
    text = script.read_text(encoding="utf-8")
    header = re.match(r"#!\S+.*\n((?:#.*\n)*)", text)
    comment = header[1] if header else ""
    found = [f"the comment has no {part}" for part in PARTS if f"# {part} " not in comment]
    installed = re.findall(r"pip\"? install\b(.*)", text)
    packages = [word for line in installed for word in re.findall(r"(?<=\s)[a-z][^\s\"]*", line)]
    needed = {
        "is not executable": os.access(script, os.X_OK),
        "does not begin with #!": header is not None,
        "does not stop at an error (set -e)": re.search(r"^set -e", text, re.M) is not None,
        "has no temporary folder that it removes": "mktemp -d" in text and "rm -rf" in text,
        "installs nothing": bool(installed),
        "installs a package without a version": all("==" in package for package in packages),
        "never fails": "exit 1" in text,
        "uses lamlam": "import lamlam" not in text and "lamlam==" not in text,
    }
    return found + [fault for fault, is_kept in needed.items() if not is_kept]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_has_all_its_parts(script: Path) -> None:
    assert faults(script) == []


def test_the_page_lists_every_script() -> None:
    listed = re.findall(r"\]\((\w+\.sh)\)", (FINDINGS / "README.md").read_text(encoding="utf-8"))
    assert listed == [script.name for script in SCRIPTS]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", None),
        ("#!/bin/sh\n", "", "does not begin with #!"),
        ("# Seen: c.\n", "", "the comment has no Seen:"),
        ("set -eu\n", "", "does not stop at an error (set -e)"),
        ("tool==1.2\n", "tool\n", "installs a package without a version"),
        ("tool==1.2\n", "tool==1.2 lamlam==0.1.0\n", "uses lamlam"),
        (" || exit 1", "", "never fails"),
        ("""trap 'rm -rf "$folder"' EXIT\n""", "", "has no temporary folder that it removes"),
    ],
)
def test_a_part_that_is_missing_is_found(
    tmp_path: Path, old: str, new: str, fault: str | None
) -> None:
    script = tmp_path / "bad.sh"
    script.write_text(GOOD.replace(old, new), encoding="utf-8")
    script.chmod(0o755)
    found = faults(script)
    assert found == [] if fault is None else fault in found
    script.chmod(0o644)
    assert "is not executable" in faults(script)
