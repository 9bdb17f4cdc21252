"""Every error that lamlam raises, in one tree.

LamLamError
├── UsageError                 the request makes no sense (exit status 2)
│   ├── UnknownOption          a keyword, policy or mode that does not exist
│   ├── StreamInUse            another task or thread is reading the same stream
│   ├── WrongBlock             used without its block, or `with` for `async with`
│   ├── PromptTooLong          the prompt does not fit the context
│   ├── BadMessages            the messages are not a conversation
│   ├── BadToolCall            an unknown tool, or arguments that do not fit it
│   ├── BadTools               the tools of a chat: no definition, or two of one name
│   ├── BadSchema              a JSON schema that no mask can be made of
│   ├── NotPicklable           an engine or a store cannot be sent to another process
│   ├── TooManyEntities        memory has more names than a strict constraint can use
│   ├── OverlayCycle           a namespace would be read behind itself
│   ├── MissingExtra           optional packages are not installed
│   └── OutdatedPackage        a package is older than lamlam works with
├── ModelError                 the model file cannot be used
│   ├── BadModelFile           not a GGUF file, truncated, or damaged
│   ├── ModelMissing           a model that can be pulled is not on this machine
│   ├── PullFailed             a model cannot be fetched or made
│   ├── BadCheckpoint          the checkpoint cannot be exported
│   ├── NoLookupTokens         the model lacks lookup tokens, or has unsafe ones
│   ├── NoChatTemplate         the model file has no chat template
│   ├── BadChatTemplate        the chat template fails, or refuses the messages
│   ├── DecodeFailed           llama.cpp refused a batch
│   ├── BadLogits              the logits are not finite: the weights are damaged
│   └── UnknownToken           the tokenizer gave a token that the vocabulary lacks
├── EngineError                the engine cannot do what was requested
│   ├── EngineBusy             the queue is full (retryable)
│   ├── EngineClosed           the engine was used after close
│   │   ├── EngineElsewhere    it is open in another process or on another event loop
│   │   └── StreamLeft         a stream was read on after its block; the engine is open
│   ├── LookupFailed           policy "raise": memory had no answer
│   └── TraceFailed            a trace cannot be written; generations are not affected
├── FactStoreError             base of every error of a memory
│   ├── BadFact                a line, field or value is not a valid fact
│   ├── BadStore               the file is not a fact store
│   ├── UnknownBackend         no backend opens this URL
│   ├── StoreMissing           the store does not exist and may not be created
│   ├── ReadOnly               a write to a store that is open for reading
│   ├── Conflict               another revision, or other values, than expected
│   ├── CannotUndo             a commit cannot be taken back: an erasure, or changed again since
│   ├── TooManyValues          a second value for a relation with one at a time
│   ├── RecallFailed           memory does not fill a required field of a model
│   ├── ChangesGone            the changes no longer go back to that revision
│   ├── PolicyRefused          the policy of the memory tools does not allow the change
│   ├── PolicyFailed           a policy hook raised, or gave no verdict: nothing was written
│   ├── NotSupported           the backend does not have this capability
│   ├── SchemaMismatch         written by a newer version, or by an older one to upgrade
│   ├── AccessDenied           the server refuses the user or the password
│   ├── BadAnswer              a backend returned something that is not a result
│   ├── Unavailable            the store did not answer (retryable)
│   └── StoreClosed            the store was used after close
│       └── StoreElsewhere     it is open in the process that this one was forked from
├── ServingError               a server refuses a request, or to start
│   ├── BadKeyFile             the file of access keys cannot be used
│   ├── KeyRefused             the access key is missing, unknown, revoked or expired
│   ├── RightMissing           the access key does not have this right
│   ├── NamespaceRefused       the access key does not reach this namespace
│   ├── HostRefused            the host of a request is not a name of the server
│   ├── OriginRefused          a web page of another origin asks
│   ├── BodyTooLarge           a request has more bytes than are read
│   ├── RequestTooSlow         the body of a request does not arrive in time
│   ├── OpenDoor               others could reach the server without an access key
│   └── ServerStopping         no new requests are taken (retryable)
└── TrainingError              training cannot go on
    ├── BadDocument            a training document breaks its format
    ├── BadTokenFiles          a folder of token files is damaged, unfinished or of other settings
    ├── AnnotatorFailed        the model that annotates refuses, or gives no usable answer
    ├── BadSettings            settings are unknown, or contradict each other
    ├── NothingToLearn         every token of the data is masked
    ├── TrainingDiverged       a loss or a gradient is no longer a finite number
    ├── SavingFailed           a state or a checkpoint cannot be written
    ├── GpuMemoryFull          a part of a batch does not fit into the memory of the GPU
    ├── WorkerKilled           a process that prepares rows was killed
    ├── ProcessLost            another of the processes that train one model ended
    └── TrainingStopped        a signal asked the run to end; its state is saved

Each class is one situation. ``hint`` says what to do next; the command prints
message and hint on one line.
"""

from __future__ import annotations

from lamlam.error_base import LamLamError as LamLamError
from lamlam.extras import OLDEST, how_to_install
from lamlam.serving_errors import BadKeyFile as BadKeyFile
from lamlam.serving_errors import BodyTooLarge as BodyTooLarge
from lamlam.serving_errors import HostRefused as HostRefused
from lamlam.serving_errors import KeyRefused as KeyRefused
from lamlam.serving_errors import NamespaceRefused as NamespaceRefused
from lamlam.serving_errors import OpenDoor as OpenDoor
from lamlam.serving_errors import OriginRefused as OriginRefused
from lamlam.serving_errors import RequestTooSlow as RequestTooSlow
from lamlam.serving_errors import RightMissing as RightMissing
from lamlam.serving_errors import ServerStopping as ServerStopping
from lamlam.serving_errors import ServingError as ServingError
from lamlam.training_errors import AnnotatorFailed as AnnotatorFailed
from lamlam.training_errors import BadDocument as BadDocument
from lamlam.training_errors import BadSettings as BadSettings
from lamlam.training_errors import BadTokenFiles as BadTokenFiles
from lamlam.training_errors import GpuMemoryFull as GpuMemoryFull
from lamlam.training_errors import NothingToLearn as NothingToLearn
from lamlam.training_errors import ProcessLost as ProcessLost
from lamlam.training_errors import SavingFailed as SavingFailed
from lamlam.training_errors import TrainingDiverged as TrainingDiverged
from lamlam.training_errors import TrainingError as TrainingError
from lamlam.training_errors import TrainingStopped as TrainingStopped
from lamlam.training_errors import WorkerKilled as WorkerKilled


class UsageError(LamLamError):
    """The request makes no sense."""


class UnknownOption(UsageError):
    """A keyword, policy or mode that does not exist."""


class StreamInUse(UsageError):
    """Another task or thread is reading the same stream."""


class WrongBlock(UsageError, TypeError, AttributeError):
    """An engine, store or stream was used without its block, or by the wrong kind of block."""


class PromptTooLong(UsageError):
    """The prompt does not fit the context."""

    def __init__(
        self, n_tokens: int, context: int, *, is_least: bool = False, what: str = ""
    ) -> None:
        at_least = "at least " if is_least else ""  # a very long prompt is not read
        most = f"; most of it is {what}" if what else ""
        shorten = "shorten that" if what else "shorten the prompt"
        super().__init__(
            f"the prompt has {at_least}{n_tokens} tokens, the context {context}{most}",
            hint=f"{shorten} or open the engine with a larger context=",
        )
        self.n_tokens = n_tokens
        self.context = context
        self.is_least = is_least


class BadMessages(UsageError):
    """The messages are not a conversation: not a list, an unknown role, a misspelt key, or no text."""


class BadToolCall(UsageError):
    """A call names a tool that does not exist, or arguments that do not fit it."""


class BadTools(UsageError):
    """The tools that a chat is to offer cannot be: no definition, two of one name, or too many."""


class BadSchema(UsageError):
    """A JSON schema, of a tool or of an answer, cannot become a mask of tokens."""


class TooManyEntities(UsageError):
    """Memory has more names than a strict constraint can use."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"memory has more than {most} entities, too many for a strict constraint",
            hint="use Constraint(strict=True, only_named=True), or leave out strict",
        )
        self.most = most


class OverlayCycle(UsageError):
    """A namespace would be read behind itself, or an overlay through another one."""

    @classmethod
    def of(cls, namespace: str) -> OverlayCycle:
        """Return the error of a namespace that is its own shared one."""
        return cls(
            f"namespace and shared_namespace are both {namespace!r}: a namespace cannot be read"
            " behind itself",
            hint="name another shared_namespace, or None for none",
        )


class NotPicklable(UsageError, TypeError):
    """An engine or a store cannot be pickled: it has threads and open files."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"{kind} cannot be pickled or copied: it belongs to the process that opened it",
            hint="send the model's path and the memory's URL, and open it in the worker",
        )


class MissingExtra(UsageError, ImportError):
    """A part was used whose optional packages are not installed."""

    def __init__(self, extra: str, needs: str) -> None:
        super().__init__(f"{needs} is not installed", hint=f"run: {how_to_install(extra)}")
        self.extra = extra


class OutdatedPackage(UsageError, ImportError):
    """A package is installed in a release with which lamlam would fail, or be wrong."""

    def __init__(self, package: str, found: str) -> None:
        floor = OLDEST[package]
        super().__init__(
            f"{package} {found} is too old for lamlam: it needs {floor} or newer",
            hint=f"run: python -m pip install --upgrade '{package}>={floor}'",
        )
        self.package = package


class ModelError(LamLamError):
    """The model file cannot be used."""


class BadModelFile(ModelError):
    """The file is not a GGUF file, or is truncated or damaged."""


class ModelMissing(ModelError):
    """A model that can be pulled is not on this machine, or was made by another version."""


class PullFailed(ModelError):
    """A model cannot be fetched or made: no network, another wheel, a full disk."""


class BadCheckpoint(ModelError):
    """The checkpoint cannot be exported: a file is missing, or shapes or names do not fit."""


class NoLookupTokens(ModelError):
    """The model lacks lookup tokens, or has them typed so that plain text can yield them."""


class NoChatTemplate(ModelError):
    """The model file has no chat template."""


class BadChatTemplate(ModelError):
    """The model's chat template fails, or refuses these messages."""


class DecodeFailed(ModelError):
    """llama.cpp refused a batch."""


class BadLogits(ModelError):
    """The logits are not finite numbers: the weights are damaged."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="make or fetch the model file again")


class UnknownToken(ModelError):
    """The tokenizer gave a token that the vocabulary does not have."""

    def __init__(self, token: int, n_tokens: int) -> None:
        super().__init__(
            f"the tokenizer gave token {token}, but the vocabulary has {n_tokens} tokens",
            hint="make or fetch the model file again",
        )
        self.token = token
        self.n_tokens = n_tokens


class EngineError(LamLamError):
    """The engine cannot do what was requested."""


class EngineBusy(EngineError):
    """The queue of waiting requests is full."""

    retryable = True

    def __init__(self, n_waiting: int) -> None:
        super().__init__(
            f"the queue is full: {n_waiting} requests are waiting",
            hint="try again later, or open the engine with a larger max_waiting",
        )


class EngineClosed(EngineError):
    """The engine was used after close."""


class EngineElsewhere(EngineClosed):
    """The engine was opened before a fork, or on another event loop, and cannot be used here."""


class StreamLeft(EngineClosed):
    """A stream was read on after its block; the engine itself is open."""


class LookupFailed(EngineError):
    """Policy ``raise``: memory had no answer."""

    def __init__(self, entity: str, relation: str) -> None:
        super().__init__(f"memory has no {relation!r} of {entity!r}")
        self.entity = entity
        self.relation = relation


class TraceFailed(EngineError):
    """A trace cannot be written; generations are not affected."""


class FactStoreError(LamLamError):
    """Base of every error of a memory."""

    operation: object | None = None
    """The one operation of a commit that was refused, where it is known."""


class BadFact(FactStoreError):
    """A line, field or value is not a valid fact."""


class BadStore(FactStoreError):
    """The file is not a fact store, or is a folder."""


class UnknownBackend(FactStoreError):
    """No backend opens this URL."""


class StoreMissing(FactStoreError):
    """The store does not exist and may not be created."""


class ReadOnly(FactStoreError):
    """A write to a store that is open for reading."""


class Conflict(FactStoreError):
    """The store has another revision, or a relation other values, than expected."""


class CannotUndo(FactStoreError):
    """A commit cannot be taken back: it is an erasure, or later ones changed the same again."""


class TooManyValues(FactStoreError):
    """A relation that has one value at a time would have two."""


class RecallFailed(FactStoreError):
    """Memory does not fill a required field of a model, or has values that do not fit it."""


class ChangesGone(FactStoreError):
    """The changes no longer go back to the requested revision."""


class PolicyRefused(FactStoreError):
    """The policy of the memory tools does not allow the change."""

    def __init__(self, message: str, *, policy: str) -> None:
        super().__init__(message, hint="do not try it again: only the user can allow it")
        self.policy = policy
        """Name of the hook."""


class PolicyFailed(FactStoreError):
    """A policy hook raised, or gave no verdict; nothing was written."""

    def __init__(self, policy: str, action: str, what: str) -> None:
        super().__init__(
            f"the policy hook {policy} {what} for: {action}; nothing was written",
            hint="a hook returns True, or False or a text that says why not",
        )
        self.policy = policy
        """Name of the hook."""


class NotSupported(FactStoreError):
    """The backend does not have this capability."""


class SchemaMismatch(FactStoreError):
    """The store was written by a newer version, or by an older one and must be upgraded first."""


class AccessDenied(FactStoreError):
    """The server refuses the user or the password, or the user may not do this."""


class BadAnswer(FactStoreError):
    """A backend returned something that is not a result."""


class Unavailable(FactStoreError):
    """The store did not answer (connection refused, file locked)."""

    retryable = True


class StoreClosed(FactStoreError):
    """The store was used after close."""


class StoreElsewhere(StoreClosed):
    """The store was opened before a fork and cannot be used in the child process."""
