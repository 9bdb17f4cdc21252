"""Texts to annotate: plain text, Markdown, JSON lines, folders of them, and standard input.

Memory is bounded: plain text is read in parts, and a JSON line or a file that has to be read
whole and is larger than that is refused by name.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

from lamlam.errors import BadDocument
from lamlam.packed_files import PACKED_SUFFIXES, UNPACKING_ERRORS, unpacked
from lamlam.standard_input import standard_input
from lamlam.trainer.annotation.call_texts import document_of_calls, has_calls
from lamlam.trainer.annotation.markdown_text import markdown_sections
from lamlam.trainer.documents import Document, name_of, parse_document

MOST_OF_PART = 100_000
"""Characters of a document that is made of plain text; longer texts give several."""
MOST_OF_LINE = 16 << 20
"""Bytes of a JSON line."""
MOST_OF_WHOLE = 256 << 20
"""Bytes of a file that is read whole."""
_BLOCK = 1 << 18
_UNREADABLE: tuple[type[Exception], ...] = (OSError, *UNPACKING_ERRORS)
_TEXT_KEYS = ("annotated_text", "text", "content", "body", "document", "article", "passage")
_TITLE_KEYS = ("title", "name", "entity", "heading")
_PLAIN, _MARKDOWN, _LINES, _WHOLE = (
    (".txt", ".text"),
    (".md", ".markdown"),
    (".jsonl", ".ndjson"),
    (".json",),
)
_NOT_TEXT = {
    ".pdf": "pdftotext makes one of it", ".docx": "save it as plain text",
    ".doc": "save it as plain text", ".odt": "save it as plain text",
    ".html": "convert it to Markdown or plain text first", ".htm": "convert it to plain text first",
    ".epub": "convert it to plain text first", ".zip": "unpack it and name the folder",
    ".tar": "unpack it and name the folder", ".parquet": "write it as JSON lines",
    ".csv": "write it as JSON lines with a text and a title", ".tsv": "write it as JSON lines",
}  # fmt: skip
_SUBJECT = re.compile(
    r"((?:The )?[^\W\d_a-z][\w'’.-]*(?: (?:(?:of|de|von|van|the|and|&) ){0,2}[^\W\d_a-z][\w'’.-]*){0,5})"
    r"(?= (?:\(|is |was |were |are |has |had )|,)"
)


@dataclass(slots=True)
class SourceReading:
    """What was read, and what was left out."""

    skip_invalid: bool = False
    """Leave out lines that are not documents, and files of a folder that are not text."""
    n_bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Counted by the reason."""
    first_reason: str = ""
    malformed: list[str] = field(default_factory=list)
    """Calls that could not be read: where, and how they begin."""
    n_malformed: int = 0

    def leave_out(self, reason: str, what: str) -> None:
        """Count something that is left out."""
        self.left_out[reason] += 1
        self.first_reason = self.first_reason or what


def files_in(paths: Sequence[str], reading: SourceReading) -> list[str]:
    """Return the files that the paths name; of a folder those with a suffix of texts.

    Raises:
        BadDocument: a path does not exist, or a folder has no texts.
    """
    files: list[str] = []
    for name in paths:
        path = Path(name)
        if name == "-" or not path.is_dir():
            if name != "-" and not path.exists():
                raise BadDocument(f"cannot read {name}: there is no such file")
            files.append(name)
            continue
        inside = sorted(
            one for one in path.rglob("*")
            if one.is_file() and not any(p.startswith(".") for p in one.relative_to(path).parts)
        )  # fmt: skip
        texts = [one for one in inside if _kind(one) in (*_PLAIN, *_MARKDOWN, *_LINES, *_WHOLE)]
        for one in inside:
            if one not in texts:
                reading.leave_out("files that are not texts", f"{one}: not a text by its suffix")
        if not texts:
            raise BadDocument(
                f"{name} has no texts", hint="texts are .txt, .md, .jsonl and .json, also packed"
            )
        files += map(str, texts)
    return files


def read_sources(path: str, reading: SourceReading) -> Iterator[Document]:
    """Yield the documents of one file; facts that it states already are theirs.

    Raises:
        BadDocument: the file is not text, is empty, or has a line that is not a document.
    """
    kind = _kind(Path(path)) if path != "-" else ""
    if kind in _NOT_TEXT:
        raise BadDocument(f"{path} is not plain text", hint=_NOT_TEXT[kind])
    n = 0
    try:
        if path == "-":
            given = standard_input()
            raw = getattr(given, "buffer", None) or io.BytesIO(given.read().encode())
            documents = _read(unpacked(raw, ""), path, kind, reading)
            for document in documents:
                n += 1
                yield document
        else:
            with open(path, "rb") as opened:
                for document in _read(unpacked(opened, path), path, kind, reading):
                    n += 1
                    yield document
    except UnicodeDecodeError as error:
        raise BadDocument(
            f"{name_of(path)} is not UTF-8 text: {error.reason}", hint="convert it to UTF-8"
        ) from None
    except _UNREADABLE as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None
    if not n and not reading.left_out:
        raise BadDocument(f"{name_of(path)} has no text", hint="is it the right file?")


def _kind(path: Path) -> str:
    suffix = path.suffix.casefold()
    return Path(path.stem).suffix.casefold() if suffix in PACKED_SUFFIXES else suffix


def _read(raw: IO[bytes], path: str, kind: str, reading: SourceReading) -> Iterator[Document]:
    source = "" if path == "-" else Path(path).name
    first = raw.read(_BLOCK)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadDocument(f"{name_of(path)} is UTF-16 text", hint="convert it to UTF-8")
    if b"\0" in first:
        raise BadDocument(f"{name_of(path)} is not a text file", hint="it has zero bytes")
    if not kind and first.lstrip()[:1] == b"{":
        kind = _LINES[0]
    if kind in _LINES:
        yield from _lines(raw, first, path, reading)
    elif kind in (*_WHOLE, *_MARKDOWN):
        rest = raw.read(MOST_OF_WHOLE + 1)
        if len(rest) > MOST_OF_WHOLE:
            raise BadDocument(
                f"{name_of(path)} has more than {MOST_OF_WHOLE >> 20} MiB",
                hint="split it, or write it as JSON lines",
            )
        text = (first + rest).decode("utf-8-sig")
        reading.n_bytes += len(first) + len(rest)
        if kind in _WHOLE:
            yield from _objects(text, path, reading)
        else:
            for title, section in markdown_sections(text, _titled(source)):
                yield from _documents(title, section, source, reading, path)
    else:
        yield from _plain(raw, first, source, reading, path)


def _titled(source: str) -> str:
    stem = source.split(".")[0] if source else "text"
    return re.sub(r"[_\s]+", " ", stem).strip() or "text"


def _documents(
    title: str, text: str, source: str, reading: SourceReading, where: str
) -> Iterator[Document]:
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        return
    if has_calls(text):
        yield _of_calls(title, text, source, reading, where)
    else:
        yield Document(title, text, (), source=source)


def _of_calls(title: str, text: str, source: str, reading: SourceReading, where: str) -> Document:
    found = document_of_calls(text, title=title, source=source)
    reading.n_malformed += len(found.malformed)
    reading.malformed += [
        f"{where}: {one}" for one in found.malformed[: 20 - len(reading.malformed)]
    ]
    return found.document


def _plain(
    raw: IO[bytes], first: bytes, source: str, reading: SourceReading, path: str
) -> Iterator[Document]:
    """Yield the text of a file in parts that end with paragraphs or sentences."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    title = _titled(source)
    rest, is_first = "", True
    for block in chain([first], iter(lambda: raw.read(_BLOCK), b"")):
        reading.n_bytes += len(block)
        if b"\0" in block:
            raise BadDocument(f"{name_of(path)} is not a text file", hint="it has zero bytes")
        rest += decoder.decode(block).replace("\r\n", "\n").replace("\r", "\n")
        while len(rest) > MOST_OF_PART:
            end = _border(rest)
            for document in _documents(title, _unwrapped(rest[:end]), source, reading, path):
                yield _cut(document)
            is_first = False
            rest = rest[end:]
    rest += decoder.decode(b"", final=True)
    text = _unwrapped(rest)
    if is_first:
        title = _subject_of(text) or title if not source else title
    yield from _documents(title, text, source, reading, path)


def _cut(document: Document) -> Document:
    from dataclasses import replace

    return replace(document, is_cut=True)


def _border(text: str) -> int:
    for mark in ("\n\n", ". ", "\n", " "):
        at = text.rfind(mark, MOST_OF_PART // 2, MOST_OF_PART)
        if at > 0:
            return at + len(mark)
    return MOST_OF_PART


def _unwrapped(text: str) -> str:
    """Return the text with the line ends inside paragraphs that were wrapped as spaces."""
    paragraphs = re.split(r"\n[ \t]*\n+", text.strip("\n"))
    joined: list[str] = []
    for paragraph in paragraphs:
        lines = [line.strip() for line in paragraph.split("\n")]
        is_wrapped = len(lines) > 1 and all(45 <= len(line) <= 130 for line in lines[:-1])
        joined.append((" " if is_wrapped else "\n").join(lines))
    return "\n\n".join(one for one in joined if one)


def _subject_of(text: str) -> str:
    match = _SUBJECT.match(text.lstrip())
    return match[1].removeprefix("The ") if match else ""


def _lines(raw: IO[bytes], first: bytes, path: str, reading: SourceReading) -> Iterator[Document]:
    number, rest = 0, first
    while True:
        line, rest = _next_line(raw, rest)
        if not line:
            return
        number += 1
        reading.n_bytes += len(line)
        where = f"{name_of(path)}, line {number}"
        try:
            if len(line) > MOST_OF_LINE:
                rest = _skip_line(raw, rest, line)
                raise BadDocument(f"{where} has more than {MOST_OF_LINE >> 20} MiB")
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield _of_object(_json(text, where), where, path, number, reading)
        except (BadDocument, UnicodeDecodeError) as problem:
            said = f"{where} is not UTF-8" if isinstance(problem, ValueError) else str(problem)
            if not reading.skip_invalid:
                hint = getattr(problem, "hint", None)
                raise BadDocument(
                    said, hint="; ".join(filter(None, [hint, "--skip-invalid leaves it out"]))
                ) from None
            reading.leave_out("lines that are not documents", said)


def _next_line(raw: IO[bytes], rest: bytes) -> tuple[bytes, bytes]:
    end = rest.find(b"\n") + 1
    if end:
        return rest[:end], rest[end:]
    return rest + raw.readline(max(1, MOST_OF_LINE + 1 - len(rest))), b""


def _skip_line(raw: IO[bytes], rest: bytes, line: bytes) -> bytes:
    while not line.endswith(b"\n"):
        line, rest = _next_line(raw, rest)
        if not line:
            break
    return rest


def _json(text: str, where: str) -> Any:  # Any: whatever the line has
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadDocument(
            f"{where} is not JSON: {problem}",
            hint='a line is {"title": …, "text": …}; a file of plain text is called .txt',
        ) from None


def _objects(text: str, path: str, reading: SourceReading) -> Iterator[Document]:
    whole = _json(text, name_of(path))
    if isinstance(whole, dict):
        lists = [one for one in whole.values() if isinstance(one, list)]
        whole = lists[0] if len(lists) == 1 and not _text_key(whole) else [whole]
    if not isinstance(whole, list):
        raise BadDocument(f"{name_of(path)} is not a list of documents")
    for number, one in enumerate(whole, 1):
        where = f"{name_of(path)}, document {number}"
        try:
            yield _of_object(one, where, path, number, reading)
        except BadDocument as problem:
            if not reading.skip_invalid:
                raise
            reading.leave_out("lines that are not documents", str(problem))


def _text_key(fields: dict[str, Any]) -> str:
    return next((key for key in _TEXT_KEYS if isinstance(fields.get(key), str)), "")


def _of_object(fields: Any, where: str, path: str, number: int, reading: SourceReading) -> Document:
    if isinstance(fields, str):
        fields = {"text": fields}
    if not isinstance(fields, dict):
        raise BadDocument(f"{where} is not an object", hint='a document is {"title": …, "text": …}')
    key = _text_key(fields)
    if not key:
        raise BadDocument(
            f"{where} has no text", hint=f"its key is one of {', '.join(_TEXT_KEYS[1:])}"
        )
    text = fields[key]
    title = next((fields[k] for k in _TITLE_KEYS if isinstance(fields.get(k), str)), "")
    source = fields.get("source")
    source = source if isinstance(source, str) else "" if path == "-" else Path(path).name
    if has_calls(text):
        text = unicodedata.normalize("NFC", text)
        return _of_calls(title, text, source, reading, where)
    if not fields.get("facts"):
        fields = {**fields, "facts": [], "at": [], "by": ""}
        text = unicodedata.normalize("NFC", text)
    if not text.strip():
        raise BadDocument(f"{where} has an empty text")
    title = title or _subject_of(text) or f"{_titled(source)} {number}"
    record = {**fields, "title": title, "text": text, "source": source}
    try:
        return parse_document(json.dumps(record), number)
    except BadDocument as problem:
        raise BadDocument(f"{name_of(path)}, {problem}", hint=problem.hint) from None
