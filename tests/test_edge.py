"""`lamlam ask` with the bundled model and facts on one core and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.programs import run_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")

PROMPT = "Elvis Presley was born in"
LIMIT_MB = 256

# What is limited: one core by affinity, and by RLIMIT_DATA the memory that the process may
# write to (heap, thread stacks, private mappings). What is not: pages of the model file, which
# is mapped, and of libraries: the system takes those back when memory is short. So their sum,
# the most that was ever resident (VmHWM), is measured as well. A control group would limit
# both together, but making one needs rights that few have.
_LIMITED = """
import os, resource, runpy, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.argv[:] = ["lamlam", *sys.argv[2:]]
try:
    runpy.run_module("lamlam", run_name="__main__")
finally:
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(peak, status.partition("Cpus_allowed_list:")[2].split()[0], file=sys.stderr)
"""


def ask(limit_mb: int, *options: str) -> subprocess.CompletedProcess[str]:
    return run_python("-c", _LIMITED, str(limit_mb), "ask", PROMPT, "--json", *options)


def test_one_core_and_256_mb_are_enough() -> None:
    """The right text comes out, no more than the limit was ever resident."""
    done = ask(LIMIT_MB)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["text"].startswith(f"{PROMPT} Tupelo")
    assert answer["lookups"][0]["value"].startswith("Tupelo")
    peak_mb, cores = done.stderr.split()[-2:]
    assert cores.isdecimal()  # one, and no range
    # Instrumented interpreters and other builds of llama.cpp differ; the bar of the library,
    # 150 MB, is measured by `lamlam bench decode`.
    assert int(peak_mb) <= LIMIT_MB


def test_the_limit_is_one() -> None:
    """In far too little the same command fails, so the test above can."""
    assert ask(24).returncode != 0


def test_nothing_assumes_one_kind_of_processor() -> None:
    """No Python file asks for features of x86, a page size or the byte order of the machine."""
    root = ROOT
    folders = ("lamlam", "runtime", "memory_backends", "quant")
    assumed = ("x86", "amd64", "avx", "cpuid", "PAGESIZE", "byteorder", 'struct.pack("@')
    found = [
        f"{path.relative_to(root)}: {word}"
        for folder in folders
        for path in (root / folder).rglob("*.py")
        for word in assumed
        if word.lower() in path.read_text(encoding="utf-8").lower()
    ]
    assert not found
