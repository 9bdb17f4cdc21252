"""Tries a model in a separate process first, since a damaged file can end the process.

llama.cpp asserts on much that header checks do not find (a token text that occurs
twice, a head width that does not fit), and loads models that write no text. Files with
checksums of lamlam need no trial. Run as ``python -m lamlam.runtime.llama.probe FILE``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from lamlam.errors import BadModelFile, EngineClosed, LamLamError
from lamlam.runtime.llama.model_file import CheckpointFile, check_file, layers_without_tensors

_LIMIT_S = 300
_ASSERTION = re.compile(r"[^ /]+:\d+: GGML_ASSERT.*|[^ /]+:\d+: fatal error.*")
_OUTPUTS = "n_outputs_max"  # only encoders have more outputs than were asked for
_UNKNOWN = re.compile(r"unknown (model architecture|pre-tokenizer type)")
_MISSING = re.compile(r"missing tensor|tensor '.*' not found")


class LoadingTrial:
    """One trial of a file; another thread may end it."""

    def __init__(self, path: Path, *, unified_kv: bool = False) -> None:
        """Start nothing yet.

        Args:
            unified_kv: the sequences share the cells of the KV cache, as they will in earnest.
        """
        self._path = path
        self._unified_kv = unified_kv
        self._is_cancelled = False
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def cancel(self) -> None:
        """End the trial now, or before it begins."""
        with self._lock:
            self._is_cancelled = True
            if self._process is not None:
                self._process.kill()

    def run(self) -> None:
        """Return if llama.cpp loads the file and writes with it.

        Raises:
            BadModelFile: it refuses the file, dies of it, or writes no text.
            EngineClosed: the trial was cancelled.
        """
        # An embedded or frozen Python has no interpreter to start.
        if not sys.executable or getattr(sys, "frozen", False):
            return
        with self._lock:
            if self._is_cancelled:
                raise _cancelled()
            self._process = process = self._started()
        with process:
            try:
                said, log = _both(process)
            except subprocess.TimeoutExpired:
                raise BadModelFile(f"llama.cpp does not finish loading {self._path}") from None
            finally:
                process.kill()
        if self._is_cancelled:
            raise _cancelled()
        if process.returncode != 0:
            raise self._failure(process.returncode, said, log)

    def _started(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "GGML_NO_BACKTRACE": "1",  # else a debugger is started on every assertion
        }
        command = [sys.executable, "-P", "-m", "lamlam.runtime.llama.probe", str(self._path)]
        return subprocess.Popen(
            [*command, "--unified"] if self._unified_kv else command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C is for this process, which then ends the trial.
            process_group=0 if os.name == "posix" else None,
        )

    def _failure(self, status: int, said: bytes, log: bytes) -> BadModelFile:
        try:
            reported = json.loads(said.splitlines()[-1])
            return BadModelFile(reported["message"], hint=reported["hint"])
        except (ValueError, KeyError, TypeError, IndexError):
            pass  # it ended without a report
        lines = log.decode("utf-8", "replace").strip().splitlines()
        asserted = [found[0] for line in lines if (found := _ASSERTION.search(line))]
        if asserted and _OUTPUTS in asserted[0]:
            return BadModelFile(
                f"{self._path} cannot write text: it gives an output for every token that it "
                f"reads, as an embedding model does",
                hint="name the file of a model that writes text",
            )
        if asserted:
            reason = asserted[0]
        elif status == -signal.SIGKILL:
            reason = "the system ended the trial, perhaps for want of memory"
        else:
            reason = lines[-1] if lines else f"it ends with status {status}"
        return BadModelFile(
            f"llama.cpp cannot load {self._path}: {reason}", hint="fetch or export the file again"
        )


def try_loading(path: Path) -> None:
    """Return if llama.cpp loads the file and writes with it; errors as for `LoadingTrial`."""
    LoadingTrial(path).run()


def check_model(path: Path) -> CheckpointFile:
    """Return a model file that llama.cpp can run; a foreign one is tried first.

    Raises:
        BadModelFile: the file cannot be used.
    """
    file = check_file(path)
    if not file.is_sealed:
        try_loading(path)
    return file


def main(path: Path, *, unified_kv: bool) -> None:
    """Load the model, and write with it as an engine does."""
    from lamlam.runtime.llama.context import open_model
    from lamlam.runtime.llama.trial_text import try_writing

    with open_model(check_file(path)) as model:
        try_writing(model, path, unified_kv=unified_kv)


def _both(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Read what the trial writes until its end.

    Its standard input stays open: where this process ends, the trial ends with it.
    """
    log: list[bytes] = []
    assert process.stdout is not None and process.stderr is not None
    errors = process.stderr
    reader = threading.Thread(target=lambda: log.append(errors.read()), daemon=True)
    reader.start()
    timer = threading.Timer(_LIMIT_S, process.kill)
    timer.start()
    said = process.stdout.read()
    process.wait()
    is_over_time = timer.finished.is_set()
    timer.cancel()
    reader.join()
    if is_over_time:
        raise subprocess.TimeoutExpired(process.args, _LIMIT_S)
    return said, b"".join(log)


def _cancelled() -> EngineClosed:
    return EngineClosed("the engine was closed while it was opening")


def _end_with_parent() -> None:
    """End this process when the one that started it ends, however that ends."""

    def wait() -> None:
        os.read(0, 1)  # not sys.stdin, whose lock this thread would hold at the end
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _report(error: LamLamError, path: Path) -> None:
    hint = error.hint
    if _MISSING.search(str(error)) and (empty := layers_without_tensors(path)):
        layers = ", ".join(map(str, empty[:8])) + (", …" if len(empty) > 8 else "")
        hint = f"its header counts layers that have no tensors: {layers}"
    elif _UNKNOWN.search(str(error)):
        hint = "this llama.cpp does not know such models; a newer llama-cpp-python may"
    # On a line of its own: other libraries may have written there, too.
    sys.stdout.write("\n" + json.dumps({"message": str(error), "hint": hint}))


if __name__ == "__main__":
    _end_with_parent()
    file_name = Path(sys.argv[1])
    try:
        main(file_name, unified_kv="--unified" in sys.argv)
    except LamLamError as error:
        _report(error, file_name)
        sys.exit(1)
