"""``python -m lamlam.trainer.prepare CONFIG.toml --out FOLDER``: documents to token files.

Needs what the trainer needs, and none of the command's dependencies.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from lamlam.ending_signals import catching_signals, exit_status
from lamlam.errors import BadTokenFiles, LamLamError, MissingExtra, UsageError
from lamlam.trainer.settings import load_settings
from lamlam.unfinished_files import remove_own_parts
from lamlam.usable_cpus import usable_cpus

try:
    from lamlam.trainer.token_files.manifest import Manifest
    from lamlam.trainer.token_files.preparation import PreparationProgress, prepare
    from lamlam.trainer.token_files.statistics import sum_by_source, sum_of
    from lamlam.trainer.token_files.token_folder import TokenFolder
except ModuleNotFoundError as problem:
    raise MissingExtra("train", problem.name or "tokenizers") from None

EXAMPLE = """examples:
  python -m lamlam.trainer.prepare lmlm.toml --out tokens --epochs 10
  python -m lamlam.trainer.prepare --verify tokens
"""
_EVERY_S = 5.0
_MOST_NAMED = 5


def main(arguments: list[str] | None = None) -> int:
    """Prepare or verify token files; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.trainer.prepare",
        description="Write what training would draw of its documents into token files.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", type=Path, nargs="?", metavar="CONFIG.toml")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write")
    parser.add_argument("--epochs", type=int, default=1, help="epochs to draw (default 1)")
    parser.add_argument("--workers", type=int, help="processes (default: one for each processor)")
    parser.add_argument(
        "--verify", type=Path, metavar="FOLDER", help="compare a folder with its hashes instead"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a setting that replaces the file's",
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    with catching_signals():
        try:
            figures = _run(chosen)
        except LamLamError as problem:
            hint = f" ({problem.hint})" if problem.hint else ""
            sys.stderr.write(f"error: {problem}{hint}\n")
            return 2
        except KeyboardInterrupt:
            sys.stderr.write("stopped; the same command goes on from the shards that are whole\n")
            return exit_status() or 130
        finally:
            remove_own_parts()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _run(chosen: argparse.Namespace) -> dict[str, Any]:
    check_arguments(chosen.settings, chosen.out, chosen.verify, chosen.epochs)
    if chosen.verify is not None:
        return verify(chosen.verify)
    settings = load_settings(chosen.settings, chosen.set)
    said = 0.0

    def say(progress: PreparationProgress) -> None:
        nonlocal said
        if progress.seconds - said >= _EVERY_S or progress.done == progress.shards:
            said = progress.seconds
            sys.stderr.write(f"{progress}\n")

    began = time.monotonic()
    manifest = prepare(
        settings, chosen.out, epochs=chosen.epochs, workers=workers_of(chosen.workers), report=say
    )
    sys.stderr.write(f"next: {next_command(chosen.settings, chosen.out)}\n")
    return figures_of(manifest) | {"seconds": round(time.monotonic() - began, 1)}


def check_arguments(
    settings: Path | None, out: Path | None, verified: Path | None, epochs: int
) -> None:
    """Raise `UsageError` where it is not clear what to do."""
    if verified is not None:
        if settings is not None or out is not None:
            raise UsageError("--verify takes a folder, and neither settings nor --out")
        return
    if settings is None or out is None:
        raise UsageError(
            "name the settings and the folder to write",
            hint="lamlam prepare CONFIG.toml --out FOLDER",
        )
    if epochs < 1:
        raise UsageError(f"--epochs must be 1 or more, got {epochs}")


def workers_of(given: int | None) -> int:
    """Return how many processes draw.

    Raises:
        UsageError: a negative number was given.
    """
    if given is not None and given < 0:
        raise UsageError(f"--workers must be 0 or more, got {given}")
    return usable_cpus() if given is None else given


def next_command(settings: Path, folder: Path) -> str:
    """Return the command that trains on the token files."""
    return f"""lamlam train {settings} --set 'data.tokens="{folder}"'"""


def figures_of(manifest: Manifest) -> dict[str, Any]:
    """Return the figures of token files: of all epochs together, and of each source."""
    by_source = sum_by_source(shard.counts for epoch in manifest.epochs for shard in epoch)
    return {
        "epochs": len(manifest.epochs),
        "shards": sum(map(len, manifest.epochs)),
        "bytes": sum(sum(shard.bytes) for epoch in manifest.epochs for shard in epoch),
        **sum_of(by_source.values()).figures(),
        "sources": {name: counts.figures() for name, counts in sorted(by_source.items())},
    }


def verify(folder: Path) -> dict[str, Any]:
    """Compare all shards of a folder with their hashes; returns the figures of the folder.

    Raises:
        BadTokenFiles: some are damaged, which the message names, or another file is.
    """
    opened = TokenFolder(folder, check_sizes=False)
    opened.tokenizer()
    opened.held_out()
    shards = list(opened.damaged_shards())
    damaged = [name for name, is_damaged in shards if is_damaged]
    if damaged:
        more = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        raise BadTokenFiles(
            f"{len(damaged)} of {len(shards)} shards of {folder} are damaged: "
            f"{', '.join(damaged[:_MOST_NAMED])}{more}",
            hint="lamlam prepare with the settings that made the folder makes them again",
        )
    return {"folder": str(folder), "damaged": 0, **figures_of(opened.manifest)}


if __name__ == "__main__":
    raise SystemExit(main())
