"""What is opened by ``async with`` or by ``with``: every other use is refused, naming the right one.

Type checkers see none of these methods, so that they go on reporting the mistakes, too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Generic, NoReturn, TypeVar

from lamlam.errors import WrongBlock

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T", covariant=True)


def wrong_use(what: str, right: str, used: str, use: str) -> WrongBlock:
    """Return the error of something that is used in another way than the right one."""
    return WrongBlock(f"{what} is opened by `{right}`, not by `{used}`", hint=f"write: {use}")


def entered_twice(what: str, use: str) -> WrongBlock:
    """Return the error of a block that is entered again."""
    return WrongBlock(f"{what} can be entered only once", hint=f"make another: {use}")


class OnlyAsyncWith:
    """Is opened by ``async with``; refuses ``with`` and ``await``."""

    _what: str
    """What it is, with its article."""
    _use: str
    """What to write."""

    if not TYPE_CHECKING:

        def __enter__(self) -> NoReturn:
            raise wrong_use(self._what, "async with", "with", self._use)

        def __exit__(self, *_: object) -> None:
            """Make ``with`` come as far as `__enter__`."""

        def __await__(self) -> NoReturn:
            raise wrong_use(self._what, "async with", "await", self._use)


class OnlyWith:
    """Is opened by ``with``; refuses ``async with`` and ``await``."""

    _what: str
    """What it is, with its article."""
    _use: str
    """What to write."""

    if not TYPE_CHECKING:

        async def __aenter__(self) -> NoReturn:
            raise wrong_use(self._what, "with", "async with", self._use)

        async def __aexit__(self, *_: object) -> None:
            """Make ``async with`` come as far as `__aenter__`."""

        def __await__(self) -> NoReturn:
            raise wrong_use(self._what, "with", "await", self._use)


class _Block:
    """Refuses what looks as if the block had been entered."""

    _what: str
    _use: str
    _right: ClassVar[str]

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            raise wrong_use(self._what, self._right, "for", self._use)

        def __next__(self) -> NoReturn:
            raise wrong_use(self._what, self._right, "next", self._use)

        def __aiter__(self) -> NoReturn:
            raise wrong_use(self._what, self._right, "async for", self._use)

        def __anext__(self) -> NoReturn:
            raise wrong_use(self._what, self._right, "anext", self._use)

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            raise WrongBlock(
                f"{self._what} has no {name!r} before `{self._right}` has opened it",
                hint=f"write: {self._use}",
            )


class OnlyAsyncBlock(_Block, OnlyAsyncWith):
    """A block for ``async with`` and nothing else."""

    _right = "async with"


class OnlyBlock(_Block, OnlyWith):
    """A block for ``with`` and nothing else."""

    _right = "with"


class AsyncBlock(OnlyAsyncBlock, AbstractAsyncContextManager[T], Generic[T]):
    """An async context that is made when it is entered, once."""

    def __init__(
        self, make: Callable[[], AbstractAsyncContextManager[T]], *, what: str, use: str
    ) -> None:
        self._make = make
        self._context: AbstractAsyncContextManager[T] | None = None
        self._what = what
        self._use = use

    async def __aenter__(self) -> T:
        """Enter it.

        Raises:
            WrongBlock: it has been entered before.
        """
        if self._context is not None:
            raise entered_twice(self._what, self._use)
        self._context = self._make()
        return await self._context.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Leave it."""
        assert self._context is not None
        return await self._context.__aexit__(kind, error, traceback)


class OnlyAsyncFor:
    """Is read by ``async for``; refuses ``for``."""

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            raise WrongBlock(
                "the events of this stream are read by `async for`, not by `for`",
                hint="write: async for event in events: ...",
            )


class OnlyFor:
    """Is read by ``for``; refuses ``async for``."""

    if not TYPE_CHECKING:

        def __aiter__(self) -> NoReturn:
            raise WrongBlock(
                "the events of this stream are read by `for`, not by `async for`",
                hint="write: for event in events: ...",
            )
