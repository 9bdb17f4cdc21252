"""llama.cpp's log, which goes through one callback of the whole process."""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import Any

import llama_cpp.llama_cpp as api

_ERROR_LEVEL = 4  # ggml's number


def silence_log() -> None:
    """Stop llama.cpp from writing to standard error."""
    LOG.start(verbose=False)


class NativeLog:
    """llama.cpp's log: silent by default; the first error is kept for messages."""

    def __init__(self) -> None:
        self.first_error = ""
        self._verbose = False
        self._lock = threading.Lock()
        self._is_started = False
        self._callback = api.llama_log_callback(self._receive)

    def start(self, *, verbose: bool) -> None:
        """Forget the first error, and begin to listen."""
        with self._lock:
            self._verbose = verbose
            self.first_error = ""
            if not self._is_started:
                api.llama_backend_init()
                self._is_started = True
            # llama-cpp-python sets another callback when it is imported.
            api.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _receive(self, level: int, text: bytes, _: Any) -> None:
        if level == _ERROR_LEVEL and not self.first_error:  # later ones only say that it failed
            self.first_error = text.decode("utf-8", "replace").strip()
        if self._verbose:
            sys.stderr.write(text.decode("utf-8", "replace"))


LOG = NativeLog()
"""The log of this process."""
