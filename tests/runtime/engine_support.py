"""Facts and biases that the tests of engines share."""

from __future__ import annotations

ALWAYS = 1000.0
"""A bias that no logit outweighs: the model looks up wherever it may."""


FACTS = {
    "marie curie": {"birth place": ["Warsaw"], "field": ["physics", "chemistry"]},
    "london": {"country": ["England"]},
}
