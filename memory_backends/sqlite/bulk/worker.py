"""The program of a worker process of a bulk load: takes functions from a pipe, and answers."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys


def serve() -> None:
    """Work until the other end closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed must not come between the answers
    gc.disable()  # nothing here makes circles, and looking for some takes a third of the time
    requests = sys.stdin.buffer
    while True:
        try:
            function, task = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = (True, function(task))
        except Exception as error:
            answer = (False, _sendable(error))
        try:
            pickle.dump(answer, answers, protocol=5)
            answers.flush()
        except BrokenPipeError:
            return


def _sendable(error: Exception) -> Exception:
    """Return the error, or one that says the same and can be sent."""
    error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
