"""The chat template of a model file, run in a sandbox with a budget of steps.

A template is a program from an untrusted file. It sees plain data only and a short list of
filters and methods, and every loop, call and piece of text takes steps from one budget, also if
nothing is written.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import datetime
from functools import wraps
from itertools import islice
from typing import Any

from jinja2 import ext, filters, meta, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_context
from jinja2.visitor import NodeTransformer

from lamlam.errors import BadChatTemplate

MAX_TEMPLATE_CHARACTERS = 256_000
_MAX_WORK = 1_000_000
"""Steps of one rendering; sixteen characters cost as much as a step."""
_CALL = 8
_MAX_INDENT = 16
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items"),
    *("last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse"),
    *("round", "select", "selectattr", "sort", "string", "title", "trim", "unique", "upper"),
)
_TEXT_METHODS = frozenset(
    ("capitalize", "endswith", "find", "lower", "lstrip", "replace", "rfind", "rsplit", "rstrip")
    + ("split", "splitlines", "startswith", "strip", "title", "upper")
)
_DICT_METHODS = frozenset(("get", "items", "keys", "values"))
# Filters that the parsed template gets around what costs: no template can spell these names.
_COUNTED, _EMITTED, _MADE = "counted loop", "emitted", "made"


class ChatTemplate:
    """A compiled template."""

    def __init__(self, source: str) -> None:
        """Compile the template.

        Raises:
            BadChatTemplate: it is too long, or no template.
        """
        if len(source) > MAX_TEMPLATE_CHARACTERS:
            raise BadChatTemplate(
                f"the model's chat template has {len(source):,} characters, "
                f"at most {MAX_TEMPLATE_CHARACTERS:,} are read"
            )
        self.source = source
        self._environment = _Environment()
        try:
            names = meta.find_undeclared_variables(self._environment.parse(source))
            self._compiled = self._environment.from_string(source)
        except Exception as error:  # whatever a broken or hostile template brings about
            raise BadChatTemplate(f"the model's chat template is broken: {_said(error)}") from None
        self.supports_tools = "tools" in names
        """It writes the definitions of tools by itself."""
        self._lock = threading.Lock()

    def render(
        self,
        messages: list[dict[str, Any]],
        *,
        tools: list[dict[str, Any]] | None = None,
        bos: str = "",
        eos: str = "",
    ) -> str:
        """Return the conversation in the format of the model, up to where its answer begins.

        Raises:
            BadChatTemplate: the template refuses the messages, fails, or does not come to an end.
        """
        with self._lock:
            self._environment.left = _MAX_WORK
            try:
                return self._compiled.render(
                    messages=messages,
                    tools=tools,
                    bos_token=bos,
                    eos_token=eos,
                    add_generation_prompt=True,
                )
            except _Refused as refused:
                raise BadChatTemplate(
                    f"the model's chat template refuses the messages: {refused}"
                ) from None
            except Exception as error:  # as above
                raise BadChatTemplate(f"the model's chat template fails: {_said(error)}") from None


class _Refused(Exception):
    """The template called ``raise_exception``."""


class _TooMuch(Exception):
    def __init__(self, what: str = "it takes too many steps") -> None:
        super().__init__(what)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        # White space as in the programs for which templates are written.
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[ext.loopcontrols, _GenerationTag],
            cache_size=0,
        )
        self.left = _MAX_WORK
        self.globals = {
            "dict": dict,
            "namespace": Namespace,
            "raise_exception": _raise_exception,
            "range": self._range,
            "strftime_now": lambda form: datetime.now().strftime(str(form)[:100]),
        }
        known = {name: self._paid(filters.FILTERS[name]) for name in _FILTERS}
        own: dict[str, Callable[..., Any]] = {
            "join": self._join,
            "replace": self._replace,
            "tojson": _as_json,
        }
        own["safe"] = str  # nothing is escaped here
        self.filters = {**known, **{name: self._paid(made) for name, made in own.items()}}
        self.filters[_COUNTED] = pass_context(lambda _, loop: self._counted(loop))
        self.filters[_EMITTED] = pass_context(lambda _, value: self._pay_for(str(value)))
        self.filters[_MADE] = pass_context(lambda _, value: self._pay_for(value))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse the template, and make every loop and every text in it cost steps."""
        tree = Parser(self, source, name, filename).parse()
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise _TooMuch("it has a recursive loop")
        _Payments().visit(tree)
        return tree

    def spend(self, n: int) -> None:
        """Take steps from the budget."""
        self.left -= n
        if self.left < 0:
            raise _TooMuch()

    def call(  # names that no keyword of a template can hit
        __self,  # noqa: B902
        __context: Context,
        __callee: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Call a function; the call and what it returns cost steps."""
        __self.spend(_CALL)
        owner = getattr(__callee, "__self__", None)
        if isinstance(owner, str) and getattr(__callee, "__name__", "") == "replace":
            return __self._pay_for(__self._replace(owner, *args, **kwargs))
        return __self._pay_for(super().call(__context, __callee, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator; refuse what would make a huge value."""
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise _TooMuch(f"it uses the operator {operator}")
        if operator == "*":
            n_bits = 0
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | tuple) and isinstance(other, int):
                    self.spend(len(one) * max(other, 0))
                n_bits += one.bit_length() if isinstance(one, int) else 0
            if n_bits > 128:
                raise _TooMuch()
        return self._pay_for(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow only what templates need of strings, dictionaries and loops."""
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, dict):
            return attr in _DICT_METHODS
        return isinstance(obj, Namespace | LoopContext) and not attr.startswith("_")

    def wrap_str_format(self, value: Any) -> None:
        """Refuse ``str.format``: a width in it makes a string of any length."""

    def _pay_for(self, value: Any) -> Any:
        if isinstance(value, str):
            self.spend(1 + len(value) // 16)
        elif isinstance(value, list | tuple | dict):
            self.spend(1 + len(value))
        return value

    def _paid(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def paid(*args: Any, **kwargs: Any) -> Any:
            made = function(*args, **kwargs)
            is_finished = made is None or isinstance(made, str | int | float | Mapping | Undefined)
            if isinstance(made, Iterable) and not is_finished:
                made = self._counted(made)
            return self._pay_for(made)

        return paid

    def _counted(self, loop: Iterable[Any]) -> Iterable[Any]:
        if not isinstance(loop, Sized):
            loop = list(islice(loop, self.left + 1))
        self.spend(1 + len(loop))
        return loop

    def _range(self, *bounds: int) -> range:
        made = range(*bounds)
        try:
            self.spend(len(made))
        except OverflowError:
            raise _TooMuch() from None
        return made

    def _replace(self, given: Any, was: Any, becomes: Any, count: int | None = None) -> str:
        text, old, new = str(given), str(was), str(becomes)
        n = text.count(old) if count is None else min(count, text.count(old))
        self.spend(1 + (len(text) + max(n, 0) * len(new)) // 16)
        return text.replace(old, new, -1 if count is None else count)

    def _join(self, values: Iterable[Any], between: Any = "") -> str:
        parts = [str(value) for value in self._counted(values)]
        glue = str(between)
        self.spend(1 + (sum(map(len, parts)) + len(parts) * len(glue)) // 16)
        return glue.join(parts)


class _Payments(NodeTransformer):
    """Put a filter around each node that costs steps."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        # Their declared type is wider than what a parser puts there.
        parts: list[Any] = list(node.nodes)
        node.nodes = [_filtered(_as_expression(part), _EMITTED) for part in parts]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE) if isinstance(node.arg, nodes.Slice) else node


class _GenerationTag(ext.Extension):
    """``{% generation %}`` marks, for trainers, what the model is to learn; here it is nothing."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _as_expression(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData):
        return nodes.Const(node.data, lineno=node.lineno)
    return node


def _raise_exception(message: object) -> None:
    raise _Refused(str(message)[:300])


def _as_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    if indent is not None and not 0 <= int(indent) <= _MAX_INDENT:
        raise _TooMuch("it indents too far")
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _said(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    text = f"{type(error).__name__}: {error}" if not isinstance(error, _TooMuch) else str(error)
    return text[:300] + (f" (line {line})" if line else "")
