"""`SamplerSettings`: how freely text is chosen, as a caller sets it; loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.runtime.decoding.option_checks import check_int, check_number, is_numpy_float

LARGEST_SEED = 2**128 - 1


@dataclass(frozen=True, slots=True)
class SamplerSettings:
    """How freely text is chosen; keys of lookups are always the model's first choice."""

    temperature: float = 0.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    """Divides positive and multiplies negative logits of tokens that occurred already."""
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name, value, low, high in (
            ("temperature", self.temperature, 0.0, 100.0),
            ("top_p", self.top_p, 0.0, 1.0),
            ("min_p", self.min_p, 0.0, 1.0),
            # Beyond these a logit that is divided or multiplied is no finite number.
            ("repeat_penalty", self.repeat_penalty, 0.01, 100.0),
        ):
            check_number(name, value, low, high)
        for name in ("temperature", "top_p", "min_p", "repeat_penalty"):
            if is_numpy_float(given := getattr(self, name)):  # no trace could write it
                object.__setattr__(self, name, float(given))
        if self.seed is not None:
            check_int("seed", self.seed, 0, LARGEST_SEED)
