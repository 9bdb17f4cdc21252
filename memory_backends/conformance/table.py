"""The laws as a table for ``docs/writing-a-backend.md``; run as a program it prints it."""

from __future__ import annotations

import sys

from lamlam.memory_backends.conformance.all_laws import SUITES
from lamlam.memory_backends.conformance.laws.base import needs_of
from lamlam.memory_backends.conformance.report import law_of
from lamlam.memory_backends.protocol import Capability

BEGIN = "<!-- laws: python -m lamlam.memory_backends.conformance.table -->"
END = "<!-- end of laws -->"


def law_table() -> str:
    """Return one line per law: its suite, its sentence, and what must be declared for it."""
    lines = ["| suite | law | holds where declared |", "| --- | --- | --- |"]
    for suite in SUITES:
        for name, law in vars(suite).items():
            if name.startswith("test_"):
                needed = [one for one in needs_of(suite, law) if one is not Capability.WRITE]
                declared = ", ".join(f"`{one.value}`" for one in needed)
                sentence = law_of(law).replace("|", "\\|")
                lines.append(f"| {suite.suite} | {sentence} | {declared} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{BEGIN}\n\n{law_table()}\n\n{END}\n")
