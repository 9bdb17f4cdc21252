"""What the trainer's own programs share on their command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lamlam.errors import LamLamError


def settings_parser(prog: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser that takes a settings file and changes to it.

    Args:
        example: shown as it is below the options.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", type=Path, metavar="CONFIG.toml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a setting that replaces the file's",
    )
    return parser


def say_problem(problem: LamLamError, who: str = "") -> None:
    """Write an error as one line on standard error.

    Args:
        who: which of several processes speaks.
    """
    hint = f" ({problem.hint})" if problem.hint else ""
    line = " ".join(f"error: {who}{problem}{hint}".split())
    sys.stderr.write(line + "\n")
