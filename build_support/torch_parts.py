"""Prints the large packages that the PyTorch beside this Python still lacks, one a line, for pip."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, requires, version

_LARGE = re.compile(r"(?:cuda-|nvidia-|triton)[a-z0-9-]*")


def parts(requirements: Iterable[str], is_here: Callable[[str], bool]) -> list[str]:
    """Return the requirements of large packages, whole; pip judges their markers.

    Args:
        requirements: as PyTorch states them; those of its extras are left out.
        is_here: says of a name whether that package is installed.
    """
    found = []
    for one in requirements:
        name = _LARGE.match(one)
        if name and "extra ==" not in one and not is_here(name[0]):
            found.append(one)
    return found


def _is_here(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    for part in parts(requires("torch") or [], _is_here):
        sys.stdout.write(f"{part}\n")
