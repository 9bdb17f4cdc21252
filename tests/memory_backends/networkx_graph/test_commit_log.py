"""The log of a store in memory finds commits by their revision."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.networkx_graph.commit_log import CommitLog, LoggedCommit


def _slow_after(log: CommitLog, revision: int) -> list[LoggedCommit]:
    return [commit for commit in log.commits if commit.revision > revision]


@given(revisions=st.sets(st.integers(1, 50)), asked=st.integers(-1, 51))
def test_what_comes_after_a_revision_is_what_a_slow_search_finds(
    revisions: set[int], asked: int
) -> None:
    log = CommitLog()
    for revision in sorted(revisions):
        log.add(revision)
    assert log.after(asked) == _slow_after(log, asked)
    for revision in revisions:
        assert log.at(revision).revision == revision
