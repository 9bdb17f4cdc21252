"""Every error that lamlam raises, in one tree.

LamLamError
├── UsageError                 what was asked for makes no sense (exit status 2)
│   ├── UnknownOption          a keyword, policy or mode that does not exist
│   ├── StreamInUse            another task waits for the next event of the same text
│   ├── PromptTooLong          the prompt does not fit the context
│   ├── BadMessages            messages that are no conversation
│   ├── BadToolCall            an unknown tool, or arguments that do not fit it
│   ├── NotPicklable           an engine or a store was to be sent to another process
│   ├── TooManyEntities        more names in memory than a strict constraint may hold
│   └── MissingExtra           a part was used whose optional packages are not installed
├── ModelError                 the model file cannot be used
│   ├── BadModelFile           no GGUF, truncated, or damaged
│   ├── BadCheckpoint          a checkpoint that cannot be exported
│   ├── NoLookupTokens         the model has not all lookup tokens, or unsafe ones
│   ├── NoChatTemplate         the model does not say how a conversation is written
│   ├── BadChatTemplate        its way of writing one fails, or refuses the messages
│   ├── DecodeFailed           llama.cpp refused a batch
│   ├── BadLogits              the model's scores are no numbers: its weights are damaged
│   └── UnknownToken           the tokenizer gave a token that the vocabulary lacks
├── EngineError
│   ├── EngineBusy             as many texts wait as may (retryable)
│   ├── EngineClosed           the engine was used after close
│   │   └── EngineElsewhere    it is open in another process, or on another event loop
│   ├── LookupFailed           policy "raise": memory had no answer
│   └── TraceFailed            a trace cannot be written; texts are not harmed
├── FactStoreError             base of everything a memory raises
│   ├── BadFact                a line, field or value that is no fact
│   ├── BadStore               a file that is no fact store, or a folder
│   ├── UnknownBackend         no backend answers to this URL
│   ├── StoreMissing           the store does not exist and may not be created here
│   ├── ReadOnly               a write to a store that was opened for reading
│   ├── Conflict               the store or the values are not those expected
│   ├── TooManyValues          a second value for a relation that has one at a time
│   ├── RecallFailed           memory does not fill a model's required field
│   ├── ChangesGone            the feed of changes no longer reaches back so far
│   ├── NotSupported           the backend does not declare this capability
│   ├── SchemaMismatch         written by a newer version, or an older one to be upgraded
│   ├── AccessDenied           the server refuses the user or the password
│   ├── BadAnswer              a backend answered with something that is no result
│   ├── Unavailable            the store did not answer (retryable)
│   └── StoreClosed            used after close
│       └── StoreElsewhere     it is open in the process that this one was forked from
└── TrainingError
    ├── BadDocument            a training document that breaks its format
    ├── BadSettings            settings that contradict each other
    └── NothingToLearn         every token of the data is masked

Each class is one situation. ``hint`` says what to do next; the command prints
both on one line.
"""

from __future__ import annotations

from lamlam.extras import how_to_install


class LamLamError(Exception):
    """Base of every error that lamlam raises on purpose."""

    retryable = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)


class UsageError(LamLamError):
    """What was asked for makes no sense."""


class UnknownOption(UsageError):
    """A keyword, policy or mode that does not exist."""


class StreamInUse(UsageError):
    """Another task waits for the next event of the same text."""


class PromptTooLong(UsageError):
    """The prompt does not fit the context."""

    def __init__(self, n_tokens: int, context: int, *, is_least: bool = False) -> None:
        at_least = "at least " if is_least else ""  # a very long prompt is not read
        super().__init__(
            f"the prompt has {at_least}{n_tokens} tokens, the context holds {context}",
            hint="shorten the prompt or open the engine with a larger context=",
        )
        self.n_tokens = n_tokens
        self.context = context


class BadMessages(UsageError):
    """The messages are no conversation: no list, an unknown role or key, or no text."""


class BadToolCall(UsageError):
    """A call names a tool that does not exist, or arguments that do not fit it."""


class TooManyEntities(UsageError):
    """Memory holds more names than a strict constraint may keep at hand."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"memory holds more than {most} entities, too many for a strict constraint",
            hint="use Constraint(strict=True, only_named=True), or leave out strict",
        )
        self.most = most


class NotPicklable(UsageError, TypeError):
    """An engine or a store was to be pickled: it holds threads and open files."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"a {kind} cannot be pickled or copied: it belongs to the process that opened it",
            hint="hand over the model's path and the memory's URL, and open it in the worker",
        )


class MissingExtra(UsageError, ImportError):
    """A part was used whose optional packages are not installed."""

    def __init__(self, extra: str, needs: str) -> None:
        super().__init__(f"{needs} is not installed", hint=f"run: {how_to_install(extra)}")
        self.extra = extra


class ModelError(LamLamError):
    """The model file cannot be used."""


class BadModelFile(ModelError):
    """The file is no GGUF, or is truncated or damaged."""


class BadCheckpoint(ModelError):
    """The checkpoint cannot be exported: a file is missing, or shapes or names do not fit."""


class NoLookupTokens(ModelError):
    """The model lacks some lookup tokens, or has them typed so that plain text can yield them."""


class NoChatTemplate(ModelError):
    """The model file does not say how a conversation is written."""


class BadChatTemplate(ModelError):
    """The model's way of writing a conversation fails, or refuses these messages."""


class DecodeFailed(ModelError):
    """llama.cpp refused a batch."""


class BadLogits(ModelError):
    """The model's scores are no numbers, or infinite: its weights are damaged."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="make or fetch the model file again")


class UnknownToken(ModelError):
    """The tokenizer gave a token that the vocabulary does not have."""

    def __init__(self, token: int, n_tokens: int) -> None:
        super().__init__(
            f"the tokenizer gave token {token}, and the vocabulary has {n_tokens}",
            hint="make or fetch the model file again",
        )
        self.token = token
        self.n_tokens = n_tokens


class EngineError(LamLamError):
    """The engine cannot do what was asked."""


class EngineBusy(EngineError):
    """As many texts wait for their turn as may."""

    retryable = True

    def __init__(self, n_waiting: int) -> None:
        super().__init__(
            f"{n_waiting} texts wait for their turn, and more may not",
            hint="try again later, or open the engine with a larger max_waiting",
        )


class EngineClosed(EngineError):
    """The engine was used after close."""


class EngineElsewhere(EngineClosed):
    """The engine was opened before a fork, or on another event loop, and does not answer here."""


class LookupFailed(EngineError):
    """Policy ``raise``: memory had no answer."""

    def __init__(self, entity: str, relation: str) -> None:
        super().__init__(f"memory has no {relation!r} of {entity!r}")
        self.entity = entity
        self.relation = relation


class TraceFailed(EngineError):
    """A trace cannot be written; texts are not harmed."""


class FactStoreError(LamLamError):
    """Base of everything that a memory raises."""


class BadFact(FactStoreError):
    """A line, field or value that is no fact."""


class BadStore(FactStoreError):
    """A file that is no fact store, or a folder."""


class UnknownBackend(FactStoreError):
    """No backend answers to this URL."""


class StoreMissing(FactStoreError):
    """The store does not exist and may not be created here."""


class ReadOnly(FactStoreError):
    """A write to a store that was opened for reading."""


class Conflict(FactStoreError):
    """The store has another revision, or a relation other values, than expected."""


class TooManyValues(FactStoreError):
    """A relation that has one value at a time would have two."""


class RecallFailed(FactStoreError):
    """Memory does not fill a required field of a model, or with values that do not fit it."""


class ChangesGone(FactStoreError):
    """The feed of changes no longer reaches back to the revision that was asked for."""


class NotSupported(FactStoreError):
    """The backend does not declare this capability."""


class SchemaMismatch(FactStoreError):
    """The store was written by a newer version, or by an older one and must be upgraded first."""


class AccessDenied(FactStoreError):
    """The server refuses the user or the password, or the user may not do this."""


class BadAnswer(FactStoreError):
    """A backend answered a question with something that is no result."""


class Unavailable(FactStoreError):
    """The store did not answer (connection refused, file locked)."""

    retryable = True


class StoreClosed(FactStoreError):
    """The store was used after close."""


class StoreElsewhere(StoreClosed):
    """The store was opened before a fork and does not answer in the child."""


class TrainingError(LamLamError):
    """Training cannot go on."""


class BadDocument(TrainingError):
    """A training document that breaks its format."""


class BadSettings(TrainingError):
    """Settings that contradict each other."""


class NothingToLearn(TrainingError):
    """Every token of the data is masked."""
