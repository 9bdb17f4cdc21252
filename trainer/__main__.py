"""``python -m lamlam.trainer CONFIG.toml``: train without the command's dependencies."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from lamlam.ending_signals import catching_signals, exit_status
from lamlam.errors import LamLamError, MissingExtra, TrainingStopped
from lamlam.trainer.settings import load_settings
from lamlam.unfinished_files import remove_own_parts

EXAMPLE = """example:
  python -m lamlam.trainer lmlm.toml --set run.minutes=5 --set data.plain=true
"""


def main(arguments: list[str] | None = None) -> int:
    """Train as the settings say; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="lamlam train",
        description="Pre-train a model whose facts stay in memory.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", type=Path, metavar="CONFIG.toml")
    parser.add_argument(
        "--resume", action="store_true", help="continue from the state in run.output"
    )
    parser.add_argument("--minutes", type=float, help="stop after so many minutes (run.minutes)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a setting that replaces the file's",
    )
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
    if chosen.minutes is not None:
        chosen.set.append(f"run.minutes={chosen.minutes}")
    try:
        settings = load_settings(chosen.settings, chosen.set)
        train = _import_train()
        log_to_file(Path(settings.run.output))
        logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
        out = train(settings, resume=chosen.resume)
    except LamLamError as problem:
        hint = f" ({problem.hint})" if problem.hint else ""
        sys.stderr.write(f"error: {problem}{hint}\n")
        return problem.status if isinstance(problem, TrainingStopped) else 2
    sys.stderr.write(f"checkpoint in {out}; next: lamlam export {out} model.gguf\n")
    return 0


def log_to_file(folder: Path) -> None:
    """Write the trainer's log to ``train.log`` in the folder from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / "train.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _import_train() -> Callable[..., Path]:
    """Return `loop.train`; torch takes seconds to import, and may be missing."""
    try:
        from lamlam.trainer.loop import train
    except ModuleNotFoundError as problem:
        raise MissingExtra("train", problem.name or "torch") from None
    return train


if __name__ == "__main__":
    raise SystemExit(main())
