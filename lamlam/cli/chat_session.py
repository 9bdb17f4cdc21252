"""The course of a chat: one line after another, whatever goes wrong with one of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from lamlam.cli.chat_commands import ChatCommands, Leave, OtherMemory
from lamlam.cli.chat_talk import Talk, Turn, asks_memory, is_chat
from lamlam.cli.output import notes_of, print_error
from lamlam.ending_signals import EndedBySignal, exit_status
from lamlam.errors import LamLamError, UsageError

if TYPE_CHECKING:
    from lamlam.cli.chat_lines import ChatLines
    from lamlam.cli.chat_memory import ChatMemory
    from lamlam.cli.chat_view import ChatView
    from lamlam.runtime.sync import SyncEngine

NOT_FOUND = 1
ERROR = 2


class ChatSession:
    """A chat: its lines, its talk, and what shows it."""

    def __init__(
        self,
        *,
        talk: Talk,
        view: ChatView,
        lines: ChatLines,
        engine_options: dict[str, Any],  # Any: names and types are checked by the engine
        asks_back: bool,
        is_terminal: bool,
    ) -> None:
        """Store the parts; begin nothing yet."""
        self.status = 0
        """Exit status of the command: the worst of all lines that are no person's."""
        self._talk = talk
        self._view = view
        self._lines = lines
        self._options = engine_options
        self._asks_back = asks_back
        self._is_terminal = is_terminal

    def run(self, url: str | None, make: Callable[[str | None], ChatMemory]) -> None:
        """Go on with lines until there are no more.

        Args:
            url: of the memory.
            make: makes a memory of its URL.

        Raises:
            LamLamError: model or memory cannot be used at the beginning.
        """
        memory, before = make(url), None
        while True:
            with ExitStack() as stack:
                try:
                    engine = self._opened(stack, memory)
                except LamLamError as error:
                    if before is None:
                        raise
                    self._failed(f"/memory {memory.url}", error)
                    memory, before = before, None
                    continue
                other = self._answer_lines(engine, memory)
            if other is None:
                return
            memory, before = make(other.url), memory

    def _opened(self, stack: ExitStack, memory: ChatMemory) -> SyncEngine:
        from lamlam.runtime.sync import SyncEngine

        memory.open(stack)
        engine = stack.enter_context(SyncEngine(memory=memory.for_engine(), **self._options))
        if self._talk.system and not is_chat(engine):
            raise UsageError(
                "--system needs a model with a chat template",
                hint="leave it out, or use --model with an instruct model",
            )
        if self._is_terminal or (memory.url is not None and not asks_memory(engine)):
            self._view.remark(_said_of(engine, memory))
        if self._is_terminal:
            self._view.remark("/help lists commands; Ctrl-C stops an answer, Ctrl-D leaves")
        return engine

    def _answer_lines(self, engine: SyncEngine, memory: ChatMemory) -> OtherMemory | None:
        commands = ChatCommands(
            self._talk,
            memory,
            self._view.sources,
            self._lines,
            self._asks_back,
            is_chat=is_chat(engine),
            settings={
                "model": str(self._options["model"]),
                "memory": memory.said(),
                "namespace": list(memory.namespace),
            },
        )
        while True:
            line = ""
            try:
                read = self._lines.read()
                if read is None:
                    return None
                line = read
                self._do(engine, commands, line)
            except Leave:
                return None
            except OtherMemory as other:
                return other
            except BrokenPipeError:
                raise
            except (LamLamError, OSError) as error:
                if isinstance(error, OSError) and error.filename is None:
                    raise  # of standard output, not of a file that a line names
                self._failed(line, error)
            except KeyboardInterrupt as error:
                if self._ends(error):
                    raise
                self._view.end_line()

    def _do(self, engine: SyncEngine, commands: ChatCommands, line: str) -> None:
        if not line.strip():
            return
        if line.startswith("/") and not line.startswith("//"):
            reply = commands.run(line)
            self._view.reply(reply.lines, {"line": line, **reply.data})
            if not reply.is_found:
                self._note(NOT_FOUND)
            return
        self._answer(engine, line[1:] if line.startswith("//") else line)

    def _answer(self, engine: SyncEngine, message: str) -> None:
        turn = Turn(message)
        events = self._talk.answer(engine, message)
        try:
            with closing(events):
                self._view.show(turn, events)
        except KeyboardInterrupt as error:
            if self._ends(error):
                self._view.broken_off(turn)
                raise
            self._view.stopped(turn)
        except BaseException:
            self._view.broken_off(turn)
            raise
        if turn.text or turn.completion is not None:
            self._talk.add(turn)

    def _ends(self, error: KeyboardInterrupt) -> bool:
        """Return whether an interruption ends the chat, and not what is done at the moment."""
        is_signal = isinstance(error, EndedBySignal) or exit_status() is not None
        return is_signal or not self._is_terminal

    def _failed(self, line: str, error: LamLamError | OSError) -> None:
        hints = notes_of(error)
        if isinstance(error, LamLamError):
            said = str(error)
            hints += [error.hint] if error.hint else []
        else:
            said = f"{error.filename}: {error.strerror}"
        print_error(said, "; ".join(hints))
        self._view.error_as_json(line, said)
        self._note(ERROR)

    def _note(self, status: int) -> None:
        if not self._is_terminal:  # a person has seen it, and gone on
            self.status = max(self.status, status)


def _said_of(engine: SyncEngine, memory: ChatMemory) -> str:
    """Return what answers, from which memory, and what it can do."""
    name = engine.metadata.get("general.name") or "the model"
    has_template, has_lookups = is_chat(engine), asks_memory(engine)
    if not has_lookups and (memory.url is None or not has_template):
        said = f"{name} has no lookup tokens and writes without memory"
        if has_template:
            said += ": --memory URL lets it ask by calls"
    else:
        said = f"{name} reads {memory.said()}"
    if not has_template:
        said += "; it has no chat template and goes on with each line by itself"
    return said
