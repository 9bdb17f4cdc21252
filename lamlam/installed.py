"""Whether the packages of an extra are installed, found out without loading them."""

from __future__ import annotations

from importlib.util import find_spec

from lamlam.errors import MissingExtra
from lamlam.extras import MODULES


def need(extra: str) -> None:
    """Raise unless an extra is installed.

    Raises:
        MissingExtra: one of its packages is not; the first is named.
    """
    for module, package in MODULES[extra].items():
        if not _is_there(module):
            raise MissingExtra(extra, package)


def missing_extra(error: ModuleNotFoundError) -> MissingExtra | None:
    """Return the error that names the extra of a module that was not found, if one brings it."""
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in MODULES.items() if name in modules), None)
    if extra is not None:
        try:
            need(extra)
        except MissingExtra as missing:
            return missing
    return None


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder that refuses it, or a module without a spec
        return False
