"""Replies that were paid for, kept on disk as they come: a run that is killed goes on from them."""

from __future__ import annotations

import json
import os
import threading
from hashlib import blake2b
from pathlib import Path

from lamlam.errors import UsageError
from lamlam.trainer.annotation.chat_endpoint import ModelReply


class WorkFile:
    """One JSON line for each reply, found again by what was asked.

    A line that was cut off, by a kill or a full disk, is ignored.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read what it has.

        Raises:
            UsageError: it cannot be read or written.
        """
        self.path = path
        self._lock = threading.Lock()
        self._replies: dict[str, ModelReply] = {}
        try:
            self._read()
            with path.open("ab") as file:
                if file.tell() and not self._ends_with_line():
                    file.write(b"\n")
        except OSError as error:
            raise UsageError(f"cannot use {path}: {error.strerror or error}") from None

    def __len__(self) -> int:
        return len(self._replies)

    def get(self, key: str) -> ModelReply | None:
        """Return the reply of an earlier run or request."""
        with self._lock:
            return self._replies.get(key)

    def put(self, key: str, reply: ModelReply) -> None:
        """Append a reply; it is on disk when this returns.

        Raises:
            OSError: the disk is full, or the file gone.
        """
        fields = {
            "key": key,
            "reply": reply.text,
            "tokens": [reply.prompt_tokens, reply.reply_tokens],
        }
        line = json.dumps(fields).encode() + b"\n"
        with self._lock:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            self._replies[key] = reply

    def remove(self) -> None:
        """Remove the file, when what it was for is written."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    fields = json.loads(line)
                    prompt_tokens, reply_tokens = map(int, fields["tokens"])
                    reply = ModelReply(str(fields["reply"]), prompt_tokens, reply_tokens)
                    self._replies[str(fields["key"])] = reply
                except (ValueError, LookupError, TypeError):
                    continue

    def _ends_with_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def key_of(*parts: object) -> str:
    """Return a key for what was asked, of whom."""
    return blake2b(json.dumps([str(part) for part in parts]).encode(), digest_size=16).hexdigest()
