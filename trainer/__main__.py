"""``python -m lamlam.trainer CONFIG.toml``: train without the command's dependencies."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lamlam.ending_signals import catching_signals, exit_status
from lamlam.errors import LamLamError, MissingExtra, TrainingStopped
from lamlam.trainer.command_arguments import say_problem, settings_parser
from lamlam.trainer.kept_heap import keep_freed_memory
from lamlam.trainer.log_file import LogFile
from lamlam.trainer.settings import load_settings
from lamlam.unfinished_files import remove_own_parts

EXAMPLE = """example:
  python -m lamlam.trainer lmlm.toml --set run.minutes=5 --set data.plain=true
"""


def main(arguments: list[str] | None = None) -> int:
    """Train as the settings say; returns the exit status."""
    parser = settings_parser(
        "lamlam train", "Pre-train a model whose facts stay in memory.", EXAMPLE
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the state in run.output"
    )
    parser.add_argument("--minutes", type=float, help="stop after so many minutes (run.minutes)")
    chosen = parser.parse_args(arguments)
    # A state or checkpoint that is being written is removed, and the one before it stays.
    with catching_signals():
        try:
            return _train(chosen)
        except KeyboardInterrupt:
            return exit_status() or 130
        finally:
            remove_own_parts()


def _train(chosen: argparse.Namespace) -> int:
    # Read once, when torch is loaded: threads that wait in a loop take the time of those that
    # compute where another program uses a core too (12 steps on two busy cores: 33 s, asleep 7 s).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if chosen.minutes is not None:
        chosen.set.append(f"run.minutes={chosen.minutes}")
    rank = os.environ.get("RANK", "0")  # of those that torchrun started
    is_first = rank == "0"
    try:
        settings = load_settings(chosen.settings, chosen.set)
        train = _import_train()
        keep_freed_memory(settings.run.device)
        with logging_to(Path(settings.run.output), to_terminal=True) if is_first else nullcontext():
            out = train(settings, resume=chosen.resume)
    except LamLamError as problem:
        if is_first or not getattr(problem, "is_shared", False):
            say_problem(problem, "" if is_first else f"process {rank}: ")
        return problem.status if isinstance(problem, TrainingStopped) else 2
    if is_first:
        sys.stderr.write(f"checkpoint in {out}; next: lamlam export {out} model.gguf\n")
    return 0


@contextmanager
def logging_to(folder: Path, *, to_terminal: bool) -> Iterator[None]:
    """Write the trainer's log to ``train.log`` in the folder while the body runs.

    Args:
        to_terminal: write it to standard error too.
    """
    root = logging.getLogger()
    before = root.level
    file = LogFile(folder / "train.log")
    handlers: list[logging.Handler] = [file]
    if to_terminal:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _import_train() -> Callable[..., Path]:
    """Return `loop.train`; torch takes seconds to import, and may be missing."""
    try:
        from lamlam.trainer.loop import train
    except ModuleNotFoundError as problem:
        raise MissingExtra("train", problem.name or "torch") from None
    return train


if __name__ == "__main__":
    raise SystemExit(main())
