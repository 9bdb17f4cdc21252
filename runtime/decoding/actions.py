"""What a decoder may want of its driver, and how the driver reports back:

====================  ==============================================================
want                  then
====================  ==============================================================
`Sample`              choose a token by the choice, `Decoder.sampled`
`Force`               put the tokens behind the sequence, `Decoder.forced`
`Look`                ask memory, `Decoder.answered`
`Rewind`              cut the sequence, `Decoder.rewound`
`Done`                nothing: the text is complete
====================  ==============================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lamlam.runtime.decoding.completion import FinishReason
from lamlam.runtime.decoding.sampling import Choice

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup


@dataclass(frozen=True, slots=True)
class Sample:
    """Choose the next token."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class Force:
    """Append these tokens; only the logits after the last are needed."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Ask memory."""

    lookup: Lookup


@dataclass(frozen=True, slots=True)
class Rewind:
    """Keep the first ``to`` tokens and forget the rest."""

    to: int


@dataclass(frozen=True, slots=True)
class Done:
    """The text is complete, or (``lookup_failed``) must not go on."""

    reason: FinishReason | Literal["lookup_failed"]


Action = Sample | Force | Look | Rewind | Done
