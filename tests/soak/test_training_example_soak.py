"""The example of training on own texts reaches what its page says, from start to end.

``--soak`` only: `tests/test_own_texts_example.py` runs two steps of it with every run of the suite.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture(autouse=True)
def only_at_length(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--soak", default=False):
        pytest.skip("runs with --soak; tests/test_own_texts_example.py has a share of it")


def test_nine_of_ten_facts_are_stated_at_openings_that_were_not_trained(tmp_path: Path) -> None:
    program = ROOT / "examples" / "train_on_own_texts.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^ *([a-z ]+): +(\d+) of 50 facts", done.stdout, re.MULTILINE))
    assert int(found["own model"]) >= 45, done.stdout
    assert int(found["without memory"]) <= 2
    assert int(found["bundled model"]) < int(found["own model"])
    changed, erased = re.findall(r"^ *(?:changed|erased): +(.*)$", done.stdout, re.MULTILINE)
    assert "Ottokar Bly" in changed
    assert "Ottokar Bly" not in erased and "Osric Penhale" not in erased
