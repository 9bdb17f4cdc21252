"""Pages of the documentation, and the code in them."""

from __future__ import annotations

import re

from tests.paths import ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))


def page(name: str) -> str:
    """Return the text of ``README.md`` or of a page in ``docs/``."""
    folder = ROOT if name == "README.md" else ROOT / "docs"
    return (folder / name).read_text(encoding="utf-8")


def fences(text: str, language: str = "python") -> list[str]:
    """Return what stands in the fences of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
