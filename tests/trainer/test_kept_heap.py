"""A process that trains keeps its buffers."""

from __future__ import annotations

import sys

import pytest

from tests.programs import output_of

# Pages that are asked for again and again cost a fault each.
PROGRAM = """
import resource, sys
import torch
from lamlam.trainer.kept_heap import keep_freed_memory

assert not sys.argv[1:] or keep_freed_memory('cpu')
torch.empty(64 << 20, dtype=torch.uint8).fill_(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.empty(64 << 20, dtype=torch.uint8).fill_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_buffers_that_were_freed_are_used_again() -> None:
    """Large ones, for which the allocator would go to the system each time."""
    asked_again, kept = int(output_of(PROGRAM)), int(output_of(PROGRAM, "keep"))
    assert asked_again > 2 * kept
