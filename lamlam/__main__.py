"""``lamlam`` and ``python -m lamlam``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and end the process with its exit status."""
    try:
        from lamlam.cli.app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could take care of it
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
