"""Steps run together where that is faster, alone where it is not."""

from __future__ import annotations

from collections.abc import Callable

from lamlam.runtime.thread_count import FIRST_PAUSE, SMALL_BATCH, ThreadCount


def run(count: ThreadCount, n_steps: int, seconds: Callable[[int], float]) -> list[int]:
    """Take single-token steps; return the threads of each."""
    chosen = []
    for _ in range(n_steps):
        n = count.choose(1)
        chosen.append(n)
        count.measured(1, n, seconds(n))
    return chosen


def test_a_quiet_machine_computes_together() -> None:
    """Two steps alone for comparison, all others together."""
    chosen = run(ThreadCount(2), 500, lambda n: 0.003 / n)
    assert chosen == [1, 1, *[2] * 498]


def test_a_busy_machine_computes_alone() -> None:
    """One try costs one slow step, and tries grow rare."""
    chosen = run(ThreadCount(2), 2000, lambda n: 1.0 if n == 2 else 0.003)
    tries = [step for step, n in enumerate(chosen) if n == 2]
    assert tries[:3] == [2, 3 + FIRST_PAUSE, 4 + 3 * FIRST_PAUSE]
    assert len(tries) <= 6


def test_slightly_slower_together_is_noticed_too() -> None:
    """Not one bad step but the middle of several decides."""
    chosen = run(ThreadCount(4), 40, lambda n: 0.005 if n == 4 else 0.003)
    assert chosen == [1, 1, 4, 4, 4, 4, 4, *[1] * 33]


def test_when_the_machine_grows_quiet_all_threads_return() -> None:
    """The next try succeeds and stays."""
    count = ThreadCount(2)
    run(count, 100, lambda n: 1.0 if n == 2 else 0.003)
    chosen = run(count, 400, lambda n: 0.003 / n)
    assert chosen[-100:] == [2] * 100


def test_long_prompts_do_not_wait_for_knowledge() -> None:
    """A long first batch runs together, a short one alone; one thread is always one."""
    assert ThreadCount(2).choose(SMALL_BATCH + 1) == 2
    assert ThreadCount(2).choose(SMALL_BATCH) == 1
    assert ThreadCount(1).choose(500) == 1


def test_steps_of_many_texts_learn_for_themselves() -> None:
    """One text may be faster alone where sixteen are faster together."""
    count = ThreadCount(2)
    chosen: dict[int, list[int]] = {1: [], 16: []}
    for _ in range(100):
        for size, slower in ((1, 2), (16, 1)):
            n = count.choose(size)
            chosen[size].append(n)
            count.measured(size, n, 0.002 * size * (2.0 if n == slower else 1.0))
    assert chosen[16] == [1, 1, *[2] * 98]
    assert chosen[1].count(2) < 10


def test_a_long_prompt_does_as_the_last_small_step_did() -> None:
    """Where together was slower a moment ago, it is so for prompts."""
    count = ThreadCount(2)
    run(count, 20, lambda n: 1.0 if n == 2 else 0.003)
    assert count.choose(500) == 1


def test_a_growing_text_is_compared_with_itself() -> None:
    """Its steps last ever longer; two threads stay the faster way, and are used."""
    count = ThreadCount(2)
    chosen = []
    for n in range(2_000):
        n_threads = count.choose(1)
        chosen.append(n_threads)
        count.measured(1, n_threads, (3.0 + n / 200) * (1.0 if n_threads == 2 else 1.25))
    assert chosen.count(1) < 0.05 * len(chosen)
