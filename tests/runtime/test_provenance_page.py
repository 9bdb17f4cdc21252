"""The Python of docs/provenance.md runs as printed, one fence after the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.limits import HANG_S
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "provenance.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_runs_and_shows_what_it_says(tmp_path: Path) -> None:
    """What is printed is what stands behind each ``print``; the trace has the table's events."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(FENCES)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wanted = re.findall(r"^ *print\(.*\)  # (.*)$", "\n".join(FENCES), re.MULTILINE)
    assert len(wanted) == 2 and done.stdout.splitlines() == wanted
    for line in (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        (row,) = re.findall(rf"^\| .*`{told['event']}`.* \| (.*) \|$", PAGE, re.MULTILINE)
        fields = told.keys() - {"event", "text_id", "t_s"}
        assert not [name for name in fields if f"`{name}`" not in row], told["event"]
