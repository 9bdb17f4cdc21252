"""Steps run together where that is faster, alone where it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lamlam.runtime.llama.adaptive_threads import FIRST_PAUSE, SMALL_BATCH, ThreadCount


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


def step(n_tokens: int, n_threads: int, meeting_s: float, token_s: float = 0.0003) -> float:
    """Seconds of a step that reads all weights (3 ms) and computes for each token."""
    return (0.003 + token_s * n_tokens) / n_threads + (meeting_s if n_threads > 1 else 0.0)


@pytest.mark.parametrize(
    ("meeting_s", "wanted"),
    [(1.0, {100: 1, 500: 1}), (0.03, {100: 1, 500: 2}), (0.005, {100: 2, 500: 2})],
)
def test_a_prompt_runs_together_where_that_spares_more_than_meeting_costs(
    meeting_s: float, wanted: dict[int, int]
) -> None:
    """A busy machine, one where threads wake slowly, and one where it hardly matters."""
    count = ThreadCount(2)
    assert run(count, 100, lambda n: step(1, n, meeting_s)).count(1) > 80
    for _ in range(5):
        for size in wanted:
            n_threads = count.choose(size)
            count.measured(size, n_threads, step(size, n_threads, meeting_s))
    assert {size: count.choose(size) for size in wanted} == wanted


def test_a_prompt_before_anything_is_known_of_prompts() -> None:
    """Small steps stand in: on a busy machine even the first prompt runs alone."""
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


def test_prompts_that_were_slower_together_run_alone() -> None:
    """Where a processor is taken away while small steps still fared well: after one such prompt."""
    count = ThreadCount(2)
    run(count, 100, lambda n: step(1, n, 0.0))
    chosen = []
    for n in range(200):
        n_threads = count.choose(80)
        chosen.append(n_threads)
        is_busy = n < 100
        count.measured(80, n_threads, step(80, n_threads, 1.4 if is_busy else 0.0))
    assert chosen[:100].count(2) <= 6
    assert chosen[180:] == [2] * 20, "and once it is back, together"


def test_a_prompt_that_met_slowly_teaches_no_wrong_price() -> None:
    """What it took is not taken for the price of computing, which would call for meeting again."""
    count = ThreadCount(2)
    run(count, 100, lambda n: step(1, n, 0.02))
    for _ in range(50):
        n_threads = count.choose(80)
        count.measured(80, n_threads, step(80, n_threads, 1.4))
    assert count.choose(80) == 1


def test_a_step_that_was_interrupted_does_not_part_the_threads() -> None:
    """One in fifty takes ten times as long, for another reason; the first one too."""
    count = ThreadCount(2)
    chosen = []
    for n in range(1_000):
        n_threads = count.choose(1)
        chosen.append(n_threads)
        count.measured(1, n_threads, 0.012 if n % 50 == 2 else 0.0012 if n_threads == 2 else 0.0018)
    assert chosen.count(1) < 20
