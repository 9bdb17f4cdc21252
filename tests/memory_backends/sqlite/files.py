"""What the tests of fact files share."""

from __future__ import annotations

from pathlib import Path


def bytes_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
