"""The Python of docs/any-model.md runs as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.limits import HANG_S
from tests.paths import ROOT
from tests.runtime.chat.chat_support import small_instruct_model

PAGE = (ROOT / "docs" / "any-model.md").read_text(encoding="utf-8")
FIND, *FENCES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
EXPECTED = ("Paris", "Ada Quill birth place hit Lowmere", "'value': 'Lowmere'")


@pytest.mark.parametrize(("program", "shown"), list(zip(FENCES, EXPECTED, strict=True)))
def test_a_fence_runs_and_shows_what_the_page_says(
    program: str, shown: str, tmp_path: Path
) -> None:
    if "model.gguf" in program:
        small_instruct_model()  # or skip
        program = f"{FIND}\n{program}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
