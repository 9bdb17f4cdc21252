"""Loads a model in a separate process first, since a damaged file can end the process.

llama.cpp asserts on much that header checks do not find (a token text that occurs
twice, a head width that does not fit). Files with checksums of lamlam need no
probe. Run as ``python -m lamlam.runtime.llama.probe FILE``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lamlam.errors import BadModelFile

_LIMIT_S = 300


def try_loading(path: Path) -> None:
    """Return if llama.cpp loads the file and evaluates a token.

    Raises:
        BadModelFile: it refuses the file, or dies of it.
    """
    # An embedded Python has no interpreter to start.
    if not sys.executable:
        return
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "GGML_NO_BACKTRACE": "1",  # else a debugger is started on every assertion
    }
    try:
        trial = subprocess.run(
            [sys.executable, "-m", "lamlam.runtime.llama.probe", str(path)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BadModelFile(f"llama.cpp does not finish loading {path}") from None
    if trial.returncode != 0:
        lines = trial.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"it ends with status {trial.returncode}"
        raise BadModelFile(f"llama.cpp cannot load {path}: {reason}")


def main(path: Path) -> int:
    """Load, evaluate one token, and return the exit status."""
    from lamlam.runtime.llama.context import open_context, open_model
    from lamlam.runtime.llama.model_file import check_file

    types = check_file(path).token_types
    with (
        open_model(path, types) as model,
        open_context(model, context=8, n_sequences=1, n_batch=8, threads=1) as context,
    ):
        model.tokenize(b"A trial.", special=False)
        context.add(0, [0], 0, is_last=True)
        context.decode()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except Exception as error:  # the parent reads one line
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
