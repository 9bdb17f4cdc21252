"""``lamlam`` and ``python -m lamlam``."""

from __future__ import annotations

import sys

from lamlam import ending_signals
from lamlam.cli import standard_streams
from lamlam.unfinished_files import remove_own_parts


def main() -> None:
    """Run the command and end the process with its exit status."""
    standard_streams.prepare()
    try:
        from lamlam.cli.app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could take care of it, or once more
        status = ending_signals.exit_status() or 130
    finally:
        ending_signals.let_signals_wait()
        remove_own_parts()
        ending_signals.let_signals_end()
    if error := standard_streams.finish():
        status = status or (141 if isinstance(error, BrokenPipeError) else 2)
    sys.exit(status)


if __name__ == "__main__":
    main()
