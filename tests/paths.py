"""Where the repository is, for tests that read its files or start processes in it."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
OLD_STORES = ROOT / "tests" / "memory_backends" / "sqlite" / "old_stores"
