"""The Python of docs/users.md runs as printed, one fence after the other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import fences, page
from tests.programs import output_of

FENCES = fences(page("users.md"))


def test_the_page_of_many_users_runs(tmp_path: Path) -> None:
    """What is printed is what stands behind each ``print``; the last is printed for both users."""
    program = "\n".join(FENCES)
    printed = output_of(program, folder=tmp_path).splitlines()
    wanted = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(wanted) == 3 and printed == [*wanted, wanted[-1]]
