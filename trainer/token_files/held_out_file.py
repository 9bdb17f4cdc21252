"""The held-out documents of a folder of token files: what a run evaluates its model with.

A machine that trains may have the folder alone, and reads no document that it trains on.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from lamlam.errors import BadDocument, BadTokenFiles
from lamlam.trainer.annotation.written_documents import document_line
from lamlam.trainer.documents import Document, parse_document
from lamlam.trainer.token_files.shard_files import write_whole

HELD_OUT = "held-out.jsonl"


def as_lines(documents: Iterable[Document]) -> bytes:
    """Return the content of the file."""
    text = "".join(document_line(document) + "\n" for document in documents)
    # Half a character in a title is written as JSON escapes it.
    return text.encode(errors="backslashreplace")


def hash_of(content: bytes) -> str:
    """Return the hash that the manifest has of the file."""
    return blake2b(content, digest_size=16).hexdigest()


def write_held_out(folder: Path, content: bytes) -> None:
    """Write the file.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(folder / HELD_OUT, lambda stream: stream.write(content))


def read_held_out(folder: Path, expected: str) -> list[Document]:
    """Return the held-out documents.

    Args:
        expected: hash of the file.

    Raises:
        BadTokenFiles: the file is not as it was written.
    """
    path = folder / HELD_OUT
    try:
        content = path.read_bytes()
        if hash_of(content) != expected:
            raise ValueError("it is not as it was written")
        lines = content.decode().split("\n")[:-1]  # JSON leaves other line ends in a text
        return [parse_document(line, number) for number, line in enumerate(lines, 1)]
    except (OSError, ValueError, BadDocument) as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadTokenFiles(
            f"{path} is damaged: {why}", hint="run the same lamlam prepare again"
        ) from None
