"""The chat template of a model file, run in a sandbox with a budget of steps.

A template is a program from an untrusted file. It sees plain data only and a short list of
filters and methods, and every loop, call and piece of text takes steps from one budget, also if
nothing is written.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from datetime import datetime
from typing import Any

from jinja2 import ext, filters, meta, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace, pass_context
from jinja2.visitor import NodeTransformer

from lamlam.errors import BadChatTemplate
from lamlam.runtime.chat.template_filters import (
    BUILT_IN,
    DICT_METHODS,
    FROM_OUTSIDE,
    LIST_METHODS,
    NUMBER_METHODS,
    TEXT_METHODS,
    WRITING,
    Budget,
    TextOperations,
    TooMuch,
)

MAX_TEMPLATE_CHARACTERS = 256_000
MAX_WORK = 1_000_000
"""Steps of one rendering, beside those for the length of the conversation."""
_WORK_FOR_CHARACTER = 4
_CALL = 8
_OTHER_FILES: dict[type[nodes.Node], str] = {
    nodes.Extends: "extends",
    nodes.FromImport: "from … import",
    nodes.Import: "import",
    nodes.Include: "include",
}
_OF_GROUPS = frozenset(("grouper", "list"))
# Filters that the parsed template gets around what costs: no template can spell these names.
_COUNTED, _EMITTED, _MADE, _COMPARED = "counted loop", "emitted", "made", "compared"


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
        work: int = MAX_WORK,
    ) -> str:
        """Return the conversation in the format of the model, up to where its answer begins.

        Args:
            work: steps that it may take, beside those for the length of the conversation.

        Raises:
            BadChatTemplate: the template refuses the messages, fails, or does not come to an end.
        """
        with self._lock:
            self._environment.budget.left = work + _WORK_FOR_CHARACTER * _n_characters(messages)
            try:
                return self._compiled.render(
                    # Copies, since some templates change the lists that they are given.
                    messages=deepcopy(messages),
                    tools=deepcopy(tools),
                    documents=None,
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
        budget = self.budget = Budget()
        budget.left = MAX_WORK  # constants are folded while a template is compiled
        self._operations = TextOperations(budget)
        self._methods = self._operations.methods()
        self.globals = {
            "cycler": Cycler,
            "dict": dict,
            "joiner": Joiner,
            "namespace": Namespace,
            "raise_exception": _raise_exception,
            "range": self._range,
            "strftime_now": lambda form: datetime.now().strftime(str(form)[:100]),
        }
        known = {name: filters.FILTERS[name] for name in BUILT_IN} | self._operations.filters()
        self.filters = {
            name: budget.paid(
                made,
                as_text=name in WRITING,
                from_outside=name in FROM_OUTSIDE and name not in WRITING,
            )
            for name, made in known.items()
        }
        self.filters[_COUNTED] = pass_context(lambda _, loop: budget.counted(loop))
        self.filters[_EMITTED] = pass_context(lambda _, value: self._emitted(value))
        self.filters[_MADE] = pass_context(lambda _, value: budget.pay_for(value))
        self.filters[_COMPARED] = pass_context(lambda _, value: self._compared(value))
        tests: dict[str, Any] = dict(self.tests)
        self.tests = {
            name: budget.paid(test, from_outside=name in FROM_OUTSIDE)
            for name, test in tests.items()
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse the template, and make every loop and every text in it cost steps."""
        tree = Parser(self, source, name, filename).parse()
        for kind, what in _OTHER_FILES.items():
            if tree.find(kind) is not None:
                raise TooMuch(f"it has the tag {what}, but a model file holds one template")
        _Payments().visit(tree)
        return tree

    def call(  # names that no keyword of a template can hit
        __self,  # noqa: B902
        __context: Context,
        __callee: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Call a function; the call and what it returns cost steps."""
        __self.budget.spend(_CALL)
        __self.budget.weigh(*args, *kwargs.values())
        owner, name = getattr(__callee, "__self__", None), getattr(__callee, "__name__", "")
        if isinstance(owner, str) and name in __self._methods:
            # Inside a loop or a block, Jinja2 passes the variables of that along.
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            made = __self._methods[name](owner, *args, **kwargs)
        else:
            if isinstance(__callee, LoopContext) and args:  # the next level of a recursive loop
                args = (__self.budget.counted(args[0]), *args[1:])
            made = super().call(__context, __callee, *args, **kwargs)
        return __self.budget.pay_for(made)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator; refuse what would make a huge value."""
        if operator == "**":
            raise TooMuch("it uses the operator **")
        if operator == "%" and isinstance(left, str):
            return self.budget.pay_for(self._operations.percent(left, right))
        if operator == "*":
            n_bits = 0
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | tuple) and isinstance(other, int):
                    self.budget.spend(len(one) * max(other, 0))
                n_bits += one.bit_length() if isinstance(one, int) else 0
            if n_bits > 128:
                raise TooMuch()
        return self.budget.pay_for(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow only what templates need of strings, dictionaries, lists and loops."""
        if isinstance(obj, str):
            return attr in TEXT_METHODS
        if isinstance(obj, dict):
            return attr in DICT_METHODS
        if isinstance(obj, int | float):
            return attr in NUMBER_METHODS
        if isinstance(obj, range):
            return attr in ("count", "index")
        if isinstance(obj, list | tuple):
            is_group = isinstance(obj, tuple) and attr in _OF_GROUPS
            return attr in LIST_METHODS or (is_group and attr in getattr(obj, "_fields", ()))
        known = Namespace | LoopContext | Cycler | Joiner
        return isinstance(obj, known) and not attr.startswith("_")

    def wrap_str_format(self, value: Any) -> None:
        """Leave ``str.format`` as it is: `call` replaces it, as other methods of text."""

    def _emitted(self, value: Any) -> str:
        self.budget.weigh(value, as_text=True)
        return value if isinstance(value, str) else str(value)

    def _compared(self, value: Any) -> Any:
        if isinstance(value, list | tuple | dict):
            self.budget.weigh(value)
        return value

    def _range(self, *bounds: int) -> range:
        made = range(*bounds)
        try:
            self.budget.spend(len(made))
        except OverflowError:
            raise TooMuch() from None
        return made


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
        node.nodes = [_filtered(part, _EMITTED) for part in node.nodes]
        return _filtered(node, _MADE)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _COMPARED)
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, _COMPARED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE) if isinstance(node.arg, nodes.Slice) else node


class _GenerationTag(ext.Extension):
    """``{% generation %}`` marks, for trainers, what the model is to learn; here it is nothing."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return [nodes.Scope(body, lineno=line)]  # what is set inside ends there


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _as_expression(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData):
        return nodes.Const(node.data, lineno=node.lineno)
    return node


def _n_characters(messages: list[dict[str, Any]]) -> int:
    contents = (message.get("content") or "" for message in messages)
    parts = (content if isinstance(content, list) else [{"text": content}] for content in contents)
    return sum(len(part["text"]) for held in parts for part in held)


def _raise_exception(message: object) -> None:
    raise _Refused(str(message)[:300])


def _said(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    text = f"{type(error).__name__}: {error}" if not isinstance(error, TooMuch) else str(error)
    return text[:300] + (f" (line {line})" if line else "")
