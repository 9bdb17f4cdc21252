"""The command as a whole: its groups, and how every error becomes one line and a status.

Exit status: 0 done, 1 not found, 2 error or wrong usage, 130 interrupted, 141 output closed, 129
and 143 ended by a signal. The files of this folder import typer alone; what a command needs is
imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from lamlam import ending_signals
from lamlam.cli import (
    annotate,
    ask,
    bench,
    chat,
    demo,
    doctor,
    evaluate,
    export,
    facts,
    keys,
    mcp,
    prepare,
    process_clock,
    pull,
    serve,
    train,
)
from lamlam.cli.argument_errors import message_about_value
from lamlam.cli.output import notes_of, print_error
from lamlam.cli.standard_streams import discard_output
from lamlam.errors import LamLamError, OutdatedPackage, TrainingStopped
from lamlam.extras import is_outdated
from lamlam.installed import missing_extra
from lamlam.near_names import near_names

__all__ = ["app", "process_clock", "run"]

NOT_FOUND = 1
ERROR = 2
INTERRUPTED = 130
# What people try; the parser itself guesses by spelling alone.
_MEANT = {
    "lamlam facts add": "lamlam facts set --add",
    "lamlam facts delete": "lamlam facts forget, or lamlam facts retract to keep the history",
    "lamlam facts list": "lamlam facts search, or lamlam facts export - for all",
    "lamlam facts remove": "lamlam facts forget, or lamlam facts retract to keep the history",
} | {
    f"lamlam {verb}": f"lamlam facts {verb}"
    for verb in ("copy", "forget", "get", "import", "search", "set")
}
OUTPUT_CLOSED = 141  # what a shell reports for a program that SIGPIPE ended

app = typer.Typer(
    name="lamlam",
    help="Write with a small model that looks facts up in a memory you can read, edit and erase.",
    epilog="Start with: lamlam demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from lamlam.version import __version__

        typer.echo(f"lamlam {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _lamlam(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


demo.register(app)
ask.register(app)
chat.register(app)
serve.register(app)
app.add_typer(facts.app, name="facts")
app.add_typer(evaluate.app, name="eval")
app.add_typer(bench.app, name="bench")
annotate.register(app)
prepare.register(app)
train.register(app)
export.register(app)
pull.register(app)
mcp.register(app)
app.add_typer(keys.app, name="keys")
doctor.register(app)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status.

    Nothing but ``KeyboardInterrupt`` inside error handling leaves this function
    as an exception. ``LAMLAM_DEBUG=1`` lets every error through with its traceback.
    """
    # Read once, when llama.cpp is loaded: its threads then wait asleep and not in a
    # loop. Where another program uses a core too, looping made a token of the
    # bundled model take up to 1.5 s on two cores; asleep it took 6 ms. Benchmarks are left
    # as llama.cpp runs by itself: where waking is slow, its own loop would look poor.
    if list(arguments[:1]) != ["bench"]:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it cannot show must not end the command
            stream.reconfigure(errors="replace")
    with ending_signals.catching_signals():
        status = _run(arguments)
        return ending_signals.exit_status() or status


def _run(arguments: Sequence[str]) -> int:
    if is_outdated("typer", typer.__version__):  # may do nothing, and call that success
        _explain(OutdatedPackage("typer", typer.__version__))
        return ERROR
    command = typer.main.get_command(app)
    debug = os.environ.get("LAMLAM_DEBUG", "") not in ("", "0")
    try:
        status = command.main(list(arguments), prog_name="lamlam", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as error:
        # typer's own reaction to a closed pipe is exit(1), which would read as "not found".
        if error.code != 1:
            return ERROR
        discard_output()
        return OUTPUT_CLOSED
    except BrokenPipeError:
        discard_output()
        return OUTPUT_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except TrainingStopped as stopped:  # by a signal that it took care of
        _explain(stopped)
        return stopped.status
    except BaseException as error:
        if ending_signals.exit_status():  # what became of the signal on its way
            return ERROR
        if debug or not isinstance(error, Exception):
            raise
        _explain(error)
        return ERROR
    if status == INTERRUPTED and not ending_signals.exit_status():  # typer's status for Ctrl-C
        print_error("interrupted")
    return status if isinstance(status, int) else 0


def _explain(error: Exception) -> None:
    """Print one line: what went wrong and what to do about it."""
    if isinstance(error, ModuleNotFoundError):  # of a part whose extra was not asked for
        error = missing_extra(error) or error
    if isinstance(error, LamLamError):
        print_error(str(error), "; ".join([*notes_of(error), *filter(None, [error.hint])]))
    elif format_message := getattr(error, "format_message", None):
        # A usage error of typer's, whose class has moved between its releases. One
        # without a message has just printed a group's help.
        context = getattr(error, "ctx", None)
        _leave_out_far_names(error)
        if message := message_about_value(error) or format_message():
            path = context.command_path if context is not None else "lamlam"
            hint = f"see {path} --help"
            if unknown := re.match(r"No such command '(.+?)'", message):
                near = near_names(unknown[1], re.findall(r"'([^']+)'", message[unknown.end() :]))
                meant_names = ", ".join(map(repr, near))
                message = f"{unknown[0]}. Did you mean {meant_names}?" if near else unknown[0]
                if meant := _MEANT.get(f"{path} {unknown[1]}"):
                    message, hint = unknown[0], f"use {meant}"
            if re.fullmatch(r"-\d.*", getattr(error, "option_name", "")):
                hint = "write -- after the last option, then the arguments that begin with a minus"
            print_error(message.rstrip("."), hint)
    elif isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        print_error(f"{where}{error.strerror}", "; ".join(notes_of(error)))
    elif type(error).__module__ == "sqlite3" and type(error).__name__ == "DatabaseError":
        print_error(f"the memory file is damaged: {error}", "take a copy of it that still works")
    else:
        print_error(f"{type(error).__name__}: {error}", "set LAMLAM_DEBUG=1 for the traceback")


def _leave_out_far_names(error: BaseException) -> None:
    """Keep only near names of what the error says that somebody may have meant."""
    possible = getattr(error, "possibilities", None)
    if possible:
        error.possibilities = near_names(  # type: ignore[attr-defined]
            getattr(error, "option_name", ""), possible
        )
