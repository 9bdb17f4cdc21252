"""Files of other programs that hold no facts as text: what they are, and what to do with them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from lamlam.errors import BadFact, NotSupported
from lamlam.packed_files import PACKED_SUFFIXES

_SHEET = "save it as CSV (UTF-8) in the program that made it, and import that"
_TEXT = "copy the facts out of it: a CSV table with the columns entity,relation,value"
_FRAME = "write it as CSV, in pandas: read_{}(…).to_csv('facts.csv', index=False)"
_DATABASE = (
    "a store of lamlam is copied: lamlam facts copy sqlite:///FILE TO;"
    " of another database save a table as CSV"
)
_ARCHIVE = "unpack it and import the file in it; a workbook save as CSV"
_KINDS = {
    "an Excel workbook": (_SHEET, ("xlsx", "xls", "xlsm", "xlsb")),
    "a spreadsheet of LibreOffice": (_SHEET, ("ods", "fods")),
    "a spreadsheet of Numbers": (_SHEET, ("numbers",)),
    "a Parquet file": (_FRAME.format("parquet"), ("parquet", "pq")),
    "an Arrow or Feather file": (_FRAME.format("feather"), ("feather", "arrow", "ipc")),
    "a pickle, which may run anything when it is read": (
        _FRAME.format("pickle"), ("pkl", "pickle"),
    ),
    "a PDF document": (_TEXT, ("pdf",)),
    "a Word document": (_TEXT, ("docx", "doc", "odt", "rtf")),
    "a web page": (_TEXT, ("html", "htm")),
    "a SQLite database": (_DATABASE, ("sqlite", "sqlite3", "db", "db3")),
    "a ZIP archive": (_ARCHIVE, ("zip",)),
    "a tar archive": (_ARCHIVE, ("tar", "tgz", "txz", "tbz2", "tbz")),
    "a 7-Zip or RAR archive": (_ARCHIVE, ("7z", "rar")),
}  # fmt: skip
_OF_SUFFIX = {suffix: kind for kind, (_, suffixes) in _KINDS.items() for suffix in suffixes}
_OF_MAGIC = {
    b"PAR1\x15": "a Parquet file",
    b"ARROW1\0\0": "an Arrow or Feather file",
    b"FEA1\0\0\0\0": "an Arrow or Feather file",
    b"SQLite format 3\0": "a SQLite database",
    b"%PDF-": "a PDF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook",
    b"{\\rtf": "a Word document",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip or RAR archive",
    b"Rar!\x1a\x07": "a 7-Zip or RAR archive",
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive",
}
_PAGES = (b"<!doctype html", b"<html")
# What the members of an archive are called, of programs whose files are archives.
_OF_MEMBER = {
    "xl/": "an Excel workbook",
    "word/": "a Word document",
    "Index/": "a spreadsheet of Numbers",
}
_OF_MEDIA_TYPE = {
    b"application/vnd.oasis.opendocument.spreadsheet": "a spreadsheet of LibreOffice",
    b"application/vnd.oasis.opendocument.text": "a Word document",
}
_OF_LAMLAM = b'{"format":"lamlam memory"'
_TAR_MARK = slice(257, 262)


def error_of_suffix(path: str) -> NotSupported | None:
    """Return the error of a file whose name says that another program made it, or ``None``."""
    kind = next((_OF_SUFFIX[one] for one in _suffixes(path) if one in _OF_SUFFIX), None)
    if kind is None:
        return None
    return NotSupported(
        f"the name of {path} does not say its format; it is {kind}", hint=_KINDS[kind][0]
    )


def check_suffix_to_write(path: str) -> None:
    """Raise `NotSupported` if the name says that another program's kind of file is wanted."""
    kind = next((_OF_SUFFIX[one] for one in _suffixes(path) if one in _OF_SUFFIX), None)
    if kind is None:
        return
    way = _KINDS[kind][0]
    hint = "write facts.csv, which such programs open and convert"
    if way == _DATABASE:
        hint = f"copy the store: lamlam facts copy FROM sqlite:///{path}"
    elif way == _ARCHIVE:
        hint = "write facts.jsonl.gz, .xz or .bz2, which are packed"
    raise NotSupported(f"{path} would be {kind}, which is not written", hint=hint)


def _suffixes(path: str) -> list[str]:
    """Return the last suffixes of a name, without those of packing."""
    found = [one for one in Path(path).suffixes if one.casefold() not in PACKED_SUFFIXES]
    return [one.removeprefix(".").casefold() for one in found[-1:]]


def refuse_foreign(begin: bytes, name: str) -> None:
    """Check the first bytes of a file, once it is unpacked.

    Args:
        begin: hundreds of bytes, or all that the file has.
        name: of the file, or "standard input".

    Raises:
        BadFact: they are of another program's file; the hint says what to do with it.
    """
    if begin.startswith(_OF_LAMLAM):
        raise BadFact(
            f"{name} is a memory of lamlam: it is not UTF-8 text with facts",
            hint="copy it: lamlam facts copy memory:///FILE TO",
        )
    kind = next((kind for magic, kind in _OF_MAGIC.items() if begin.startswith(magic)), None)
    if kind is None and begin[_TAR_MARK] == b"ustar":
        kind = "a tar archive"
    if kind is None and begin[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        kind = "a web page"
    if kind is None:
        return
    if kind == "a ZIP archive":
        # A pipe cannot be opened a second time.
        kind = (_kind_of_archive(name) if Path(name).is_file() else None) or kind
    raise BadFact(f"{name} is {kind}: it is not UTF-8 text with facts", hint=_KINDS[kind][0])


def _kind_of_archive(path: str) -> str | None:
    """Return what a ZIP file is by its members, or ``None`` where it is none, or cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if names[:1] == ["mimetype"]:
                with archive.open("mimetype") as file:
                    return _OF_MEDIA_TYPE.get(file.read(100).strip())
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None
    found = (
        kind for member, kind in _OF_MEMBER.items() if any(n.startswith(member) for n in names)
    )
    return next(found, "a ZIP archive")
