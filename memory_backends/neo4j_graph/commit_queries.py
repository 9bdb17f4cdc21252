"""Cypher that reads the log of commits: when each was made and by whom."""

from __future__ import annotations

MADE = "c.revision, c.at.epochSeconds * 1000000 + c.at.microsecond, c.actor"
"""Columns of a commit ``c``: its time is in microseconds since 1970, by the clock of the server."""


def commits_of(prefix: str) -> str:
    """Return the statement for the commits of ``$revisions``."""
    return (
        f"UNWIND $revisions AS revision MATCH (c:{prefix}Commit {{revision: revision}})"
        f" WHERE c.empty IS NULL RETURN {MADE}"
    )


def commits_after(prefix: str) -> str:
    """Return the statement for so many of the commits after a revision, oldest first."""
    return (
        f"MATCH (c:{prefix}Commit) WHERE c.revision > $since AND c.empty IS NULL"
        f" RETURN {MADE} ORDER BY c.revision LIMIT $batch"
    )
