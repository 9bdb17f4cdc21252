"""A conversation as tokens: only marks that the chat template wrote become control tokens.

A template writes one text, in which a model's marks (``<|im_end|>``) look the same whether the
template or a user wrote them. So the template is rendered for messages in which every character
is replaced by one from Unicode's private planes. What is readable afterwards was written by the
template, and only marks that are readable from end to end become control tokens.

A template may inspect a message (to remove the reasoning of earlier answers, for example), which
replaced characters prevent. If its output differs from that for the real messages, only the marks
in messages are replaced, and the control tokens must be those found before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from lamlam.errors import BadChatTemplate, BadMessages, NoChatTemplate
from lamlam.runtime.chat.call_grammar import BARE_FORM, HARMONY_FORM, TAGGED_FORM, CallForm
from lamlam.runtime.chat.last_question import last_question
from lamlam.runtime.chat.template import ChatTemplate
from lamlam.runtime.chat.template_call_form import find_call_form
from lamlam.runtime.chat.template_needs import TemplateNeeds
from lamlam.runtime.chat.template_trials import find_needs
from lamlam.runtime.decoding.output_marks import MESSAGE
from lamlam.runtime.decoding.thoughts import opened_by
from lamlam.runtime.decoding.vocabulary import ChatPrompt, Stretch, Vocabulary
from lamlam.runtime.llama.model_file import CheckpointFile

_FIRST_STAND_IN, _LAST_STAND_IN = 0xF0000, 0x10FFFD
_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4
_MAX_DEPTH = 32
_MARK = re.compile(r"<[|\uff5c].*>|<.*[|\uff5c]>|</?s>|\[/?[A-Z_]+\]", re.DOTALL)
"""What no text but a model's own markup looks like; tags of HTML do not."""
_SPACE = " \t\n\v\f\r"
"""What llama.cpp strips beside a token that takes white space."""


class Marks:
    """The texts of a model's control tokens, as far as a template may write them."""

    def __init__(
        self,
        texts: list[str],
        types: list[int],
        eog_tokens: frozenset[int],
        template: str,
        *,
        file_types: list[int] | None = None,
        strips: Mapping[int, tuple[bool, bool]] | None = None,
    ) -> None:
        """Find them.

        Args:
            texts: of all tokens, by id.
            types: the format's type number of each.
            eog_tokens: tokens that end a generation; files that type them wrongly exist.
            template: its source.
            file_types: as the file has them, where the loaded model treats some in another way.
            strips: tokens that take the white space (before, after) them.
        """
        self._strips = strips or {}
        file_types = file_types or types
        self.ids: dict[str, int] = {}
        """Control tokens by text."""
        self.markup: list[str] = []
        """Tokens that plain text yields too, whatever is done, and that only the template may
        write: those that stand in it or look like marks, and those that the file types otherwise."""
        for token, (text, kind) in enumerate(zip(texts, types, strict=True)):
            if text and (kind in (_UNKNOWN, _CONTROL) or token in eog_tokens):
                self.ids[text] = token
            elif kind == _USER_DEFINED and text.strip() and len(text) > 1:
                is_mark = text in template or _MARK.fullmatch(text) is not None
                if is_mark or file_types[token] != _USER_DEFINED:
                    self.markup.append(text)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds control tokens, the longest first."""
        return _any_of(self.ids)

    @cached_property
    def markup_pattern(self) -> re.Pattern[str]:
        """Finds markup."""
        return _any_of(self.markup)

    @cached_property
    def anything(self) -> re.Pattern[str]:
        """Finds control tokens and markup."""
        return _any_of([*self.ids, *self.markup])

    def stripped(self, before: int | None, text: str, after: int | None) -> str:
        """Return a text between two tokens without the white space that these take."""
        if self._strips.get(-1 if before is None else before, (False, False))[1]:
            text = text.lstrip(_SPACE)
        if self._strips.get(-1 if after is None else after, (False, False))[0]:
            text = text.rstrip(_SPACE)
        return text

    def found_in(self, text: str) -> list[str]:
        """Return the control tokens in a text, in order."""
        return self.pattern.findall(text)


class ChatFormat:
    """The prompt format of one model for conversations."""

    def __init__(
        self,
        file: CheckpointFile,
        eog_tokens: frozenset[int],
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Compile the chat template of a model file.

        Args:
            eog_tokens: tokens that end a generation.
            vocabulary: of the loaded model, which may treat a token in another way than its
                type in the file says.

        Raises:
            NoChatTemplate: there is none.
            BadChatTemplate: it is broken.
        """
        source = file.metadata.get("tokenizer.chat_template")
        if not isinstance(source, str):
            raise NoChatTemplate(
                "the model file has no chat template",
                hint="use generate, which continues a text, or use an instruct model",
            )
        texts: list[str] = file.metadata["tokenizer.ggml.tokens"]
        self._template = ChatTemplate(source)
        self._eog_tokens = eog_tokens
        self._marks = Marks(
            texts,
            vocabulary.token_types if vocabulary else file.token_types,
            eog_tokens,
            source,
            file_types=file.token_types,
            strips=vocabulary.strips if vocabulary else None,
        )
        self._bos, self._eos = (
            _token_text(texts, file.metadata.get(f"tokenizer.ggml.{name}_token_id"))
            for name in ("bos", "eos")
        )
        self.supports_tools = self._template.supports_tools
        """The template writes the definitions of tools by itself."""
        self.source = source
        self.control_marks = dict(vocabulary.control_marks) if vocabulary else {}
        """Marks of calls by text that are tokens of their own."""

    @cached_property
    def _needs(self) -> TemplateNeeds:
        return find_needs(self._template)

    @cached_property
    def call_form(self) -> CallForm:
        """The form in which the model is to write calls."""
        if not self.supports_tools:
            return TAGGED_FORM
        ends = (text for text, token in self._marks.ids.items() if token in self._eog_tokens)
        form = find_call_form(self._template, self._needs, [*ends, self._eos])
        if form is not None:
            form = HARMONY_FORM if MESSAGE in form.middle else form
            parts = (form.opening, form.middle, form.between or "", form.ending)
            # A control token that the model may not write would leave it nothing to write.
            if {*self._marks.found_in("\0".join(parts))} <= self.control_marks.keys():
                return form
        return TAGGED_FORM if "<tool_call>" in self.source else BARE_FORM

    def prompt(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None
    ) -> ChatPrompt:
        """Return the conversation in stretches.

        Raises:
            BadChatTemplate: the template fails, refuses the messages, or takes a part of a
                message for its own marks.
        """
        last = last_question(messages)
        prompt = self._stretched(messages, tools)
        return replace(prompt, question=last.text, before=last.before)

    def _stretched(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None
    ) -> ChatPrompt:
        marks = self._marks
        messages = self._needs.readable(messages)
        exact = self._render(messages, tools)
        stand_ins = _StandIns([*_contents(messages), *_texts_of(tools)], exact)
        # Templates look at definitions, so that only what would be taken for a mark is hidden.
        hide_marks = partial(stand_ins.disguise, marks=marks, pattern=marks.anything)
        tools = _in_every_text(tools, hide_marks)
        hidden = self._render([_in_content(m, stand_ins.hide) for m in messages], tools)
        if stand_ins.reveal(hidden) == exact:
            return replace(_stretches(hidden, stand_ins, marks), thought=opened_by(hidden))
        # Markup may be what the template looks for; control tokens are disguised in any case.
        for pattern in (marks.anything, marks.pattern):
            disguise = partial(stand_ins.disguise, marks=marks, pattern=pattern)
            disguised = self._render([_in_content(m, disguise) for m in messages], tools)
            is_same = stand_ins.reveal(disguised) == exact
            if is_same and marks.found_in(disguised) == marks.found_in(hidden):
                prompt = _stretches(disguised, stand_ins, marks)
                return replace(prompt, thought=opened_by(hidden))
        raise BadChatTemplate(
            "the chat template of the model takes a part of a message for its own markup",
            hint="remove from the messages what looks like the model's control tokens",
        )

    def _render(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
        tools = self._needs.no_tools if tools is None else tools
        shaped = self._needs.shaped(messages)
        return self._template.render(shaped, tools=tools, bos=self._bos, eos=self._eos)


class _StandIns:
    """A private character for each character of messages and tools but white space."""

    def __init__(self, texts: list[str], rendered: str) -> None:
        characters = {letter for text in texts for letter in text}
        taken = characters | set(rendered)
        free = (
            chr(code) for code in range(_FIRST_STAND_IN, _LAST_STAND_IN) if chr(code) not in taken
        )
        hidden = sorted(letter for letter in characters if not letter.isspace())
        pairs = list(zip(hidden, free, strict=False))
        if len(pairs) < len(hidden):
            raise BadMessages("the messages use all private characters of Unicode")
        self._to = {ord(letter): stand_in for letter, stand_in in pairs}
        self._back = {ord(stand_in): letter for letter, stand_in in pairs}

    def hide(self, text: str) -> str:
        """Return the text with nothing readable in it."""
        return text.translate(self._to)

    def disguise(self, text: str, marks: Marks, pattern: re.Pattern[str]) -> str:
        """Return the text unreadable where the pattern fits, and where a mark begins or ends."""
        text = pattern.sub(lambda found: self.hide(found[0]), text)
        body = text.strip()
        if not body:
            return text
        start = text.index(body)
        n_first = max((_overlap(mark, body) for mark in marks.ids), default=0)
        n_last = max((_overlap(body, mark) for mark in marks.ids), default=0)
        n_first, n_last = min(n_first, len(body)), min(n_last, len(body) - n_first)
        middle = body[n_first : len(body) - n_last]
        first, last = self.hide(body[:n_first]), self.hide(body[len(body) - n_last :])
        return text[:start] + first + middle + last + text[start + len(body) :]

    def reveal(self, text: str) -> str:
        """Return the text as it was."""
        return text.translate(self._back)


def _stretches(text: str, stand_ins: _StandIns, marks: Marks) -> ChatPrompt:
    stretches: list[Stretch] = []
    at, before = 0, None
    for found in marks.pattern.finditer(text):
        token = marks.ids[found[0]]
        between = marks.stripped(before, text[at : found.start()], token)
        stretches += [*_plain(between, stand_ins, marks), token]
        at, before = found.end(), token
    rest = marks.stripped(before, text[at:], None)
    stretches += _plain(rest, stand_ins, marks)
    return ChatPrompt(tuple(stretches))


def _plain(text: str, stand_ins: _StandIns, marks: Marks) -> Iterator[str]:
    """Cut markup that a message contains in two, so that its token is not found."""
    shown = stand_ins.reveal(text)
    at = 0
    found = marks.markup_pattern.search(shown)
    while found:
        after = found.end()
        if text[found.start() : after] != found[0]:
            after = found.start() + 1
            yield shown[at:after]
            at = after
        found = marks.markup_pattern.search(shown, after)
    if shown[at:]:
        yield shown[at:]


def _in_content(message: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return the message with its texts changed; its role and the names of keys are kept."""
    changed = {key: _in_texts(value, change) for key, value in message.items() if key != "role"}
    for call in changed.get("tool_calls", ()):
        call["type"] = "function"
    return {"role": message["role"], **changed}


def _in_texts(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise BadMessages("the arguments of a tool call are nested too deeply")
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        if depth < 3:  # the keys of the format itself
            return {key: _in_texts(held, change, depth + 1) for key, held in value.items()}
        return {change(key): _in_texts(held, change, depth + 1) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_in_texts(held, change, depth + 1) for held in value]
    return value


def _contents(messages: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    for message in messages:
        _in_content(message, note)
    return found


def _in_every_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return what JSON can hold with its texts changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _in_every_text(held, change) for key, held in value.items()}
    return [_in_every_text(one, change) for one in value] if isinstance(value, list) else value


def _texts_of(value: Any) -> list[str]:
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _in_every_text(value, note)
    return found


def _any_of(texts: Mapping[str, int] | list[str]) -> re.Pattern[str]:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _overlap(left: str, right: str) -> int:
    """Return how many characters at the end of ``left`` may begin ``right``."""
    for n in range(min(len(left), len(right)), 0, -1):
        if left.endswith(right[:n]):
            return n
    return 0


def _token_text(texts: list[str], token: object) -> str:
    return texts[token] if isinstance(token, int) and 0 <= token < len(texts) else ""
