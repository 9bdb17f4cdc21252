"""The Python of docs/provenance.md runs as printed, one fence after the other."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.pages import fences, page
from tests.programs import output_of

PAGE = page("provenance.md")
FENCES = fences(PAGE)


def test_the_page_runs_and_shows_what_it_says(tmp_path: Path) -> None:
    """What is printed is what stands behind each ``print``; the trace has the table's events."""
    printed = output_of("\n".join(FENCES), folder=tmp_path).splitlines()
    wanted = re.findall(r"^ *print\(.*\)  # (.*)$", "\n".join(FENCES), re.MULTILINE)
    assert len(wanted) == 2 and printed == wanted
    for line in (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        (row,) = re.findall(rf"^\| .*`{told['event']}`.* \| (.*) \|$", PAGE, re.MULTILINE)
        fields = told.keys() - {"event", "text_id", "t_s"}
        assert not [name for name in fields if f"`{name}`" not in row], told["event"]
