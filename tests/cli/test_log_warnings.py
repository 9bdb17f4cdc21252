"""What the trainer warns of reaches the terminal, not its log file alone."""

from __future__ import annotations

import io
import logging

from rich.console import Console

from lamlam.cli.log_warnings import showing_warnings


def test_warnings_of_lamlam_are_printed_on_one_line_each() -> None:
    written = io.StringIO()
    log = logging.getLogger("lamlam.trainer.data_loader")
    with showing_warnings(Console(file=written, width=40)):
        log.warning("%d documents [bold] state\n no \x1b[31mfact, and that is a long line", 3)
        log.info("nothing to see")
        logging.getLogger("another").warning("not ours")
    log.warning("after the block")
    assert written.getvalue() == (
        "warning: 3 documents [bold] state no \ufffd[31mfact, and that is a long line\n"
    )
