"""Training documents written as JSON lines: the whole file or nothing."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lamlam.errors import UsageError
from lamlam.packed_files import created
from lamlam.special_files import what_else
from lamlam.trainer.documents import Document
from lamlam.unfinished_files import part_beside


def document_line(document: Document, by: str = "") -> str:
    """Return the JSON line of a document, without its line end.

    Args:
        by: a letter for each fact; by default "s" for structured ones and "r" for the others.
    """
    facts = document.facts
    fields: dict[str, Any] = {
        "title": document.title,
        "text": document.text,
        "source": document.source,
        "person": document.is_person,
        "facts": [[fact.entity, fact.relation, fact.value] for fact in facts],
        "at": [fact.at for fact in facts],
        "by": by or "".join("s" if fact.is_structured else "r" for fact in facts),
    }
    if document.other_facts:
        fields["other_facts"] = [list(fact) for fact in document.other_facts]
    if document.is_cut is not None:
        fields["cut"] = document.is_cut
    if document.told is not None:
        fields["told"] = document.told
    if document.unanswered:
        fields["unanswered"] = [[one.entity, one.relation, one.at] for one in document.unanswered]
    return json.dumps(fields, ensure_ascii=False)


class DocumentFile:
    """A file of documents in the making."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream

    def write(self, document: Document, by: str = "") -> None:
        """Write one document."""
        self._stream.write(document_line(document, by) + "\n")


@contextmanager
def document_file(path: Path) -> Iterator[DocumentFile]:
    """Open a file to write, packed as its suffix says; it appears at the end of the block.

    An error or an interruption inside the block leaves what was there before.

    Raises:
        UsageError: it cannot be written.
    """
    check_writable(path)
    part = part_beside(path)
    try:
        with created(part, path.suffix.casefold()) as raw:
            stream = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
            yield DocumentFile(stream)
            stream.flush()
            stream.detach()
        os.replace(part, path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}", hint="nothing was written"
        ) from None
    finally:
        with suppress(OSError):
            part.unlink()


def check_writable(path: Path) -> None:
    """Refuse a file that cannot be written, before the work.

    Raises:
        UsageError: its folder does not exist or may not be written to, or it is no file.
    """
    if not path.name or (other := what_else(path)) == "a folder":
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    if other is not None:
        raise UsageError(f"{path} is {other}", hint="name an ordinary file")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder", hint="create it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write into {path.parent}", hint="name another folder")
