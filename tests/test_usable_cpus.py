"""The default number of threads follows affinity and the limits of control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lamlam.usable_cpus import usable_cpus
from tests.programs import run_python

MANY = 64


@pytest.fixture(autouse=True)
def _many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine large enough for every limit below to be the smallest number."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)


def system(root: Path, own: str, files: dict[str, str]) -> Path:
    """Write a system's folders: the line about this process, and files of groups."""
    for name, text in {"proc/self/cgroup": own, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        pytest.param("0::/\n", {}, MANY, id="no limit"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, MANY, id="max"),
        pytest.param("0::/\n", {"cpu.max": "200000 100000\n"}, 2, id="a container's own root"),
        pytest.param("0::/\n", {"cpu.max": "250000 100000\n"}, 3, id="a part counts as one"),
        pytest.param("0::/\n", {"cpu.max": "10000 100000\n"}, 1, id="never none"),
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "300000 100000"}, 3, id="the group's"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "max 100000", "a/cpu.max": "100000 100000"},
            1,
            id="a group above",
        ),
        pytest.param("0::/../other\n", {"cpu.max": "max 100000"}, MANY, id="outside the mount"),
        pytest.param("0::/\n", {"cpu.max": "nonsense"}, MANY, id="nonsense"),
        pytest.param("0::/\n", {"cpu.max": "1 0"}, MANY, id="no period"),
        pytest.param(
            "4:memory:/x\n3:cpu,cpuacct:/box\n0::/\n",
            {
                "cpu,cpuacct/box/cpu.cfs_quota_us": "150000",
                "cpu,cpuacct/box/cpu.cfs_period_us": "100000",
            },
            2,
            id="version 1",
        ),
        pytest.param(
            "3:cpu:/box\n",
            {"cpu/box/cpu.cfs_quota_us": "-1", "cpu/box/cpu.cfs_period_us": "100000"},
            MANY,
            id="version 1 without a limit",
        ),
    ],
)
def test_the_smallest_limit_counts(
    tmp_path: Path, own: str, files: dict[str, str], expected: int
) -> None:
    """Quotas of the group and of all above it, in both versions of the interface."""
    files = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    assert usable_cpus(system(tmp_path, own, files)) == expected


def test_a_system_without_control_groups(tmp_path: Path) -> None:
    """Affinity alone is asked."""
    assert usable_cpus(tmp_path) == MANY


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_on_one_core_uses_one_thread() -> None:
    """Affinity is that of the process, not the number of processors of the machine."""
    program = (
        "import os\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from lamlam.usable_cpus import usable_cpus\n"
        "print(usable_cpus())\n"
    )
    done = run_python("-c", program)
    assert done.stdout == "1\n"
