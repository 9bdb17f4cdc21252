"""After a run nothing is said of files that a library leaves open until the interpreter ends."""

from __future__ import annotations

from tests.programs import run_python

PROGRAM = """
import warnings
from tests.warning_filters import restore_at_exit

restore_at_exit()
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        warnings.warn("as in a test")
    except UserWarning:
        import llama_cpp  # holds two files
"""


def test_the_filters_of_a_test_end_with_it() -> None:
    """Without this, Python's C code would go by them to the end."""
    done = run_python("-c", PROGRAM)
    assert (done.returncode, done.stderr) == (0, "")
