"""``lamlam`` and ``python -m lamlam``."""

from __future__ import annotations

import sys


def main() -> None:
    """The command ran; the process ends with its status."""
    from lamlam.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
