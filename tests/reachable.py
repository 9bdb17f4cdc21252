"""Every text that can be reached from an object: what an erasure must not leave in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType


def texts_in(root: object) -> Iterator[str]:
    """Give the texts, and bytes read as text, of an object and all that it refers to.

    That is attributes and slots, keys, values and items, what a function has closed over and
    what a buffer holds; not modules and classes, which belong to no object.
    """
    seen: dict[int, object] = {}
    left = [root]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen[id(one)] = one
        if isinstance(one, str):
            yield one
        elif isinstance(one, FunctionType):  # its other references are its module's
            left.extend(cell.cell_contents for cell in one.__closure__ or ())
            left.append(one.__defaults__)
        else:
            left.extend(gc.get_referents(one))
            if isinstance(one, dict):
                left.extend(one)  # of keys that are all texts the collector knows nothing
            if (held := _bytes_of(one)) is not None:
                yield held.decode("utf-8", "replace")


def _bytes_of(one: object) -> bytes | None:
    try:
        return memoryview(one).tobytes()  # type: ignore[arg-type]  # most objects have none
    except (TypeError, BufferError):
        return None
