"""The filters, methods and operators of a template whose result could be huge, with their price.

Each pays for what it is about to make before it makes it. The others of Jinja2 are used as they
are, and pay for their results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import wraps
from itertools import islice
from random import Random
from string import Formatter
from typing import Any

from jinja2 import Environment, filters
from jinja2.runtime import Undefined
from jinja2.utils import pass_environment
from markupsafe import Markup, escape

BUILT_IN = (
    *(
        "abs",
        "attr",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "filesizeformat",
        "first",
        "float",
    ),
    *("groupby", "int", "items", "last", "length", "list", "lower", "map", "max", "min", "pprint"),
    *("reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "string"),
    *("title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount", "xmlattr"),
)
TEXT_METHODS = frozenset(
    ("capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format")
    + (
        "format_map",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
    )
    + ("isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower")
    + ("lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex")
    + ("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip")
    + ("swapcase", "title", "upper", "zfill")
)
NUMBER_METHODS = frozenset(("as_integer_ratio", "bit_length", "conjugate", "is_integer"))
DICT_METHODS = frozenset(("copy", "get", "items", "keys", "values"))
LIST_METHODS = frozenset(("append", "copy", "count", "index", "pop"))
"""Templates that llama.cpp runs change lists: their own, or their copies of what they are given."""
WRITING = frozenset(
    ("capitalize", "center", "e", "escape", "format", "indent", "join", "lower", "pprint")
    + ("replace", "safe", "string", "title", "tojson", "trim", "truncate", "upper", "urlencode")
    + ("wordcount",)
)
"""Filters that write out whatever they are given."""
FROM_OUTSIDE = frozenset(
    ("attr", "boolean", "count", "d", "default", "defined", "false", "first", "float", "integer")
    + ("items", "iterable", "last", "length", "list", "mapping", "none", "number", "reverse")
    + ("sameas", "sequence", "string", "true", "undefined")
)
"""Filters and tests whose time does not depend on what a container holds.

Templates ask for the length of all messages once for each message; ``string`` is the test.
"""
_HOLDERS = (dict, list, tuple)
_MAX_INDENT = 16
_MAX_WIDTH = 200
"""Of a field in a format; sizes of more digits are refused unread."""
_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?")
_NUMBER = re.compile(r"\d+")


class TooMuch(Exception):
    """The template would take too much time or memory."""

    def __init__(self, what: str = "it takes too many steps") -> None:
        super().__init__(what)


class Budget:
    """The steps that one rendering has left; sixteen characters cost as much as a step."""

    def __init__(self) -> None:
        self.left = 0

    def spend(self, n: int) -> None:
        """Take steps from the budget."""
        self.left -= n
        if self.left < 0:
            raise TooMuch()

    def spend_characters(self, n: int) -> None:
        """Take the steps of a text of this length."""
        self.spend(1 + max(n, 0) // 16)

    def pay_for(self, value: Any) -> Any:
        """Return the value, whose size has been paid for."""
        if isinstance(value, str):
            self.spend_characters(len(value))
        elif isinstance(value, list | tuple | dict):
            self.spend(1 + len(value))
        return value

    def weigh(self, *values: Any, as_text: bool = False) -> None:
        """Take the steps of looking at all that lists and dictionaries hold, however often they hold it.

        Args:
            as_text: it is written out, so the length of texts counts too.
        """
        open_values = list(values)
        while open_values:
            value = open_values.pop()
            if isinstance(value, str):
                self.spend(1 + len(value) // 16 if as_text else 1)
            elif isinstance(value, dict):
                self.spend(2 * len(value))
                open_values += [*value.keys(), *value.values()]
            elif isinstance(value, list | tuple):
                self.spend(len(value))
                open_values += value

    def counted(self, loop: Iterable[Any]) -> Iterable[Any]:
        """Return what is to be looped over, whose length has been paid for."""
        if not isinstance(loop, Sized):
            loop = list(islice(loop, self.left + 1))
        self.spend(1 + len(loop))
        return loop

    def paid(
        self, function: Callable[..., Any], *, as_text: bool = False, from_outside: bool = False
    ) -> Callable[..., Any]:
        """Return the function, whose arguments and results cost steps.

        Args:
            as_text: it writes its arguments out.
            from_outside: it does not look at what its arguments hold.
        """

        @wraps(function)
        def paid(*args: Any, **kwargs: Any) -> Any:
            containers = [held for held in (*args, *kwargs.values()) if isinstance(held, _HOLDERS)]
            if containers and not from_outside:
                self.weigh(*containers, as_text=as_text)
            self.spend(1)
            made = function(*args, **kwargs)
            if from_outside and any(made is given for given in containers):
                return made
            is_finished = made is None or isinstance(made, str | int | float | Mapping | Undefined)
            if isinstance(made, Iterable) and not is_finished:
                made = self.counted(made)
            return self.pay_for(made)

        return paid


class TextOperations:
    """What makes texts and lists of any size from small ones."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._formatter = _Formatter(budget)

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of these, by name."""
        return {
            "batch": self.batch,
            "center": self.center,
            "e": _escaped,
            "escape": _escaped,
            "forceescape": _escaped,
            "format": self.formatted,
            "from_json": self.from_json,
            "indent": self.indent,
            "join": self.join,
            "random": self.random,
            "replace": self.replace,
            "safe": str,  # nothing is escaped here
            "slice": self.slice,
            "striptags": self.striptags,
            "sum": self.sum,
            "tojson": as_json,
            "wordwrap": self.wordwrap,
        }

    def methods(self) -> dict[str, Callable[..., Any]]:
        """Return the methods of text among these, which take the text first."""
        return {
            "center": str_method(self.center),
            "expandtabs": self.expandtabs,
            "format": self.format_method,
            "format_map": lambda text, fields: self.format_method(text, **fields),
            "join": lambda text, values: self.join(values, text, must_be_text=True),
            "ljust": self._padded("ljust"),
            "replace": self.replace,
            "rjust": self._padded("rjust"),
            "zfill": self._padded("zfill"),
        }

    def replace(self, given: Any, was: Any, becomes: Any, count: int | None = None) -> str:
        """Return the text with a part replaced."""
        text, old, new = str(given), str(was), str(becomes)
        n = text.count(old) if count is None or count < 0 else min(count, text.count(old))
        self._budget.spend_characters(len(text) + n * len(new))
        return text.replace(old, new, -1 if count is None else count)

    def join(
        self,
        values: Iterable[Any],
        between: Any = "",
        attribute: str | int | None = None,
        *,
        must_be_text: bool = False,
    ) -> str:
        """Return the values as one text."""
        listed = list(self._budget.counted(values))
        if attribute is not None:
            listed = [_attribute(value, attribute) for value in listed]
        if must_be_text and not all(isinstance(value, str) for value in listed):
            raise TypeError("join: expected strings")
        parts, glue = [str(value) for value in listed], str(between)
        self._budget.spend_characters(sum(map(len, parts)) + len(parts) * len(glue))
        return glue.join(parts)

    def indent(
        self, given: Any, width: int | str = 4, first: bool = False, blank: bool = False
    ) -> str:
        """Return the text with its lines indented."""
        n_lines = str(given).count("\n") + 2
        n = len(width) if isinstance(width, str) else _size(width)
        self._budget.spend_characters(len(str(given)) + n_lines * n)
        return str(filters.do_indent(str(given), width, first, blank))

    def expandtabs(self, text: str, tabsize: int = 8) -> str:
        """Return the text with spaces in place of tabs."""
        self._budget.spend_characters(len(text) + text.count("\t") * _size(tabsize))
        return text.expandtabs(tabsize)

    def center(self, given: Any, width: int = 80, fill: str = " ") -> str:
        """Return the text in the middle of a line."""
        self._budget.spend_characters(max(len(str(given)), _size(width)))
        return str(given).center(width, fill)

    def batch(self, values: Iterable[Any], n: int, fill: Any = None) -> list[list[Any]]:
        """Return the values in lists of ``n``."""
        if fill is not None:
            self._budget.spend(_size(n))
        return list(filters.do_batch(list(self._budget.counted(values)), n, fill))

    def slice(self, values: Iterable[Any], n: int, fill: Any = None) -> list[list[Any]]:
        """Return the values in ``n`` lists."""
        self._budget.spend(_size(n))
        listed = list(self._budget.counted(values))
        return list(filters.sync_do_slice(listed, n, fill))

    def sum(self, values: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
        """Return the sum of the values, each step of which costs."""
        if isinstance(start, str):
            raise TypeError("sum: use join for strings")
        total = start
        for value in self._budget.counted(values):
            added = value if attribute is None else _attribute(value, attribute)
            self._budget.pay_for(total)
            total = total + added
        return total

    def random(self, values: Any) -> Any:
        """Return one of the values; the same each time, since a prompt is rendered twice."""
        listed = values if isinstance(values, str) else list(self._budget.counted(values))
        return Random(len(listed)).choice(listed)

    def from_json(self, text: Any) -> Any:
        """Return what a JSON text says."""
        self._budget.spend(len(str(text)))
        return json.loads(str(text))

    def striptags(self, given: Any) -> str:
        """Return the text without tags of HTML."""
        text = str(given)
        self._budget.spend_characters(len(text) * (1 + text.count("<")))
        return Markup(text).striptags()

    @pass_environment
    def wordwrap(
        self,
        environment: Environment,
        given: Any,
        width: int = 79,
        break_long_words: bool = True,
        wrapstring: str | None = None,
        break_on_hyphens: bool = True,
    ) -> str:
        """Return the text in lines of a width."""
        text, end = str(given), "\n" if wrapstring is None else str(wrapstring)
        self._budget.spend(len(text))
        n_lines = len(text.split()) + len(text) // max(_size(width), 1) + text.count("\n") + 1
        self._budget.spend_characters(n_lines * len(end))
        return filters.do_wordwrap(
            environment, text, width, break_long_words, end, break_on_hyphens
        )

    def formatted(self, given: Any, *values: Any, **fields: Any) -> str:
        """Return the text with its ``%s`` filled."""
        if values and fields:
            raise TypeError("format: positional or keyword values, not both")
        return self.percent(str(given), fields or values)

    def percent(self, text: str, values: Any) -> str:
        """Return ``text % values``."""
        self._budget.spend_characters(len(text))
        for found in _PERCENT.finditer(text):
            for size in found.groups():
                if size == "*":
                    raise TooMuch("it formats with a size from a value")
                self._budget.spend_characters(_width(size or "0"))
        self._budget.weigh(values, as_text=True)
        many = isinstance(values, tuple | Mapping)
        given = list(values.values() if isinstance(values, Mapping) else values) if many else []
        lengths = [len(str(value)) for value in given or [values]]
        self._budget.spend_characters(text.count("%") * max(lengths, default=0))
        return str(text % values)

    def format_method(self, text: str, *values: Any, **fields: Any) -> str:
        """Return ``text.format(…)``."""
        return self._formatter.vformat(text, values, fields)

    def _padded(self, method: str) -> Callable[..., str]:
        def padded(text: str, width: int, *fill: str) -> str:
            self._budget.spend_characters(max(len(text), _size(width)))
            return str(getattr(text, method)(width, *fill))

        return padded


class _Formatter(Formatter):
    """``str.format`` without attributes, items and wide fields."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if "." in field_name or "[" in field_name:
            raise TooMuch("it formats with an attribute of a value")
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        for size in _NUMBER.findall(format_spec):
            self._budget.spend_characters(_width(size))
        # Only plain values: how others format themselves is their own program.
        self._budget.weigh(value, as_text=True)
        plain = value if isinstance(value, str | int | float) else str(value)
        return str(self._budget.pay_for(format(plain, format_spec)))


def str_method(function: Callable[..., str]) -> Callable[..., str]:
    """Return the filter as a method, whose width must be given."""

    def method(text: str, width: int, fill: str = " ") -> str:
        return function(text, width, fill)

    return method


def as_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Return the value as JSON, whose signs are not escaped for HTML."""
    if indent is not None and not 0 <= int(indent) <= _MAX_INDENT:
        raise TooMuch("it indents too far")
    return json.dumps(
        list(value) if isinstance(value, Iterator) else value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _escaped(value: Any) -> str:
    return str(escape(value))


def _attribute(value: Any, name: str | int) -> Any:
    for part in str(name).split("."):
        if isinstance(value, Mapping):
            value = value.get(part, "")
        elif isinstance(value, list | tuple) and part.isdecimal():
            value = value[int(part)] if int(part) < len(value) else ""
        else:
            return ""
    return value


def _size(width: Any) -> int:
    if not isinstance(width, int):
        raise TypeError(f"a width must be a whole number, got {type(width).__name__}")
    return max(width, 0)


def _width(digits: str) -> int:
    if len(digits) > 4 or int(digits or "0") > _MAX_WIDTH:
        raise TooMuch("it formats with a huge width")
    return int(digits or "0")
