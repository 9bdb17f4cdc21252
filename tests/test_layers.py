"""Which folder may import from which: an arrow that is not in the table is a mistake, or a decision.

Imports inside functions and under ``TYPE_CHECKING`` count. Tools that follow paths do not see
arrows through the four links in ``lamlam/``; names are what is compared here.
"""

from __future__ import annotations

import networkx as nx
import pytest

from tests.modules import imports, modules

MODEL, PROTOCOL = "memory_backends/model", "memory_backends/protocol"
STATED = {MODEL, PROTOCOL, "memory_backends/commits"}
READ = {*STATED, "memory_backends/resolution"}
DECODING, LLAMA, CHAT = "runtime/decoding", "runtime/llama", "runtime/chat"
WORDING, VIEWS = "runtime/wording", "memory_backends/read_views"
RESOLUTION = "memory_backends/resolution"

# Modules directly in lamlam/ (errors, version, …) may be imported by all; they import each other.
ARROWS: dict[str, set[str]] = {
    "memory_backends/model": set(),
    "memory_backends/resolution": {MODEL},
    "memory_backends/commits": {MODEL},
    "memory_backends/protocol": {MODEL, "memory_backends/commits", "memory_backends/resolution"},
    "memory_backends/read_views": READ,
    "memory_backends/authoring": READ,
    "memory_backends/fact_formats": {MODEL, "memory_backends/commits"},
    "memory_backends/sqlite": {*READ, "memory_backends/authoring"},
    "memory_backends/networkx_graph": {*READ, "memory_backends/authoring"},
    "memory_backends/neo4j_graph": {*READ, VIEWS},
    "memory_backends/open": {
        PROTOCOL, "bundled", "memory_backends/authoring", "memory_backends/neo4j_graph",
        "memory_backends/networkx_graph", "memory_backends/sqlite",
    },
    "memory_backends/sync": {*READ, "memory_backends/authoring", "memory_backends/open"},
    "memory_backends/transfer": {
        MODEL, PROTOCOL, "memory_backends/fact_formats", "memory_backends/sync",
    },
    "memory_backends/conformance": {
        MODEL, PROTOCOL, "memory_backends/fact_formats", "memory_backends/open",
        VIEWS, "testing",
    },
    "runtime/llama": set(),
    "runtime/decoding": {
        MODEL, PROTOCOL, RESOLUTION, VIEWS, "memory_backends/sync", WORDING,
    },
    "runtime/observers": {DECODING},
    "runtime/chat": {"agent_tools", MODEL, PROTOCOL, DECODING, LLAMA},
    "runtime/memory": {MODEL, PROTOCOL, "memory_backends/open", DECODING, LLAMA},
    "runtime/scheduling": {MODEL, PROTOCOL, CHAT, DECODING, LLAMA, WORDING},
    "runtime/wording": {MODEL, "memory_backends/resolution"},
    "runtime/engine": {
        PROTOCOL, "bundled", CHAT, DECODING, "runtime/memory", "runtime/observers",
        "runtime/scheduling",
    },
    "answering": {MODEL, CHAT, DECODING, "runtime/engine"},
    "runtime/sync": {
        MODEL, PROTOCOL, DECODING, "runtime/engine", "runtime/memory", "runtime/scheduling",
    },
    "agent_tools": {MODEL, PROTOCOL, RESOLUTION, VIEWS, "memory_backends/sync"},
    "access_keys": {MODEL},
    "adapters": {
        MODEL, "agent_tools", "memory_backends/sync", "stored_documents", CHAT, DECODING,
        "answering", "runtime/engine",
    },
    "stored_documents": {MODEL, "memory_backends/sync"},
    "mcp_server": {
        MODEL, PROTOCOL, RESOLUTION, VIEWS, "access_keys", "agent_tools",
        "memory_backends/open",
    },
    "trainer": {"quant", MODEL},
    "quant": {LLAMA},
    "bundled": {MODEL, "memory_backends/resolution", "memory_backends/sqlite", "trainer"},
    "pulling": {"bundled", "quant", LLAMA},
    "testing": {PROTOCOL, "memory_backends/sync", "lamlam"},
    "evaluation": {
        MODEL, PROTOCOL, "bundled", "memory_backends/fact_formats", "memory_backends/open",
        "memory_backends/sync", "memory_backends/transfer", DECODING, LLAMA, "runtime/scheduling",
        "runtime/sync", "trainer",
    },
    "benchmarks": {
        *READ, "agent_tools", "evaluation", "memory_backends/neo4j_graph", "memory_backends/open",
        "memory_backends/sqlite",
        "memory_backends/sync", DECODING, LLAMA, "runtime/engine", "runtime/scheduling",
        "runtime/sync", "trainer", WORDING, "serving",
    },
    "serving": {
        MODEL, PROTOCOL, "access_keys", "agent_tools", "mcp_server", "memory_backends/open", VIEWS, CHAT,
        DECODING, "answering", "runtime/engine", "runtime/scheduling",
    },
    "cli": {
        MODEL, PROTOCOL, "access_keys", "benchmarks", "bundled", "evaluation", "memory_backends/fact_formats",
        "memory_backends/open", "memory_backends/sync", "memory_backends/transfer", "pulling", "quant",
        DECODING, LLAMA, "runtime/engine", "runtime/memory", "runtime/observers", "runtime/sync",
        "trainer", "serving", "mcp_server",
    },
    "__main__": {"cli"},
    "lamlam": {
        MODEL, PROTOCOL, "agent_tools", "memory_backends/open", VIEWS, "memory_backends/sync",
        DECODING, "runtime/engine", "runtime/observers", "runtime/sync",
    },
}  # fmt: skip
FAR_APART = {
    "memory_backends": ("runtime", "quant", "trainer"),
    "runtime": ("quant", "trainer"),
}


def room(name: str) -> str:
    """Return the folder of a module; a module directly in one of the two large ones is a room."""
    first, *rest = name.split(".")
    if first in ("runtime", "memory_backends") and rest:
        return f"{first}/{rest[0]}"
    return first or "lamlam"


def graph() -> nx.DiGraph:
    """Return the modules and their imports."""
    return nx.DiGraph((name, used) for name in modules() for used in imports(name))


def test_only_the_arrows_of_the_table() -> None:
    """Every import crosses folders along an arrow of the table, or goes to a module for all."""
    ground = {name for name in modules() if "." not in name} - ARROWS.keys() - {""}
    new = {
        f"{name} imports {used}"
        for name, used in graph().edges
        if room(name) != room(used)
        and room(used) not in ({*ground} if room(name) in ground else ground | ARROWS[room(name)])
    }
    assert not new, "\n".join(sorted(new))


def test_no_module_reaches_itself() -> None:
    """No circle of imports, however lazy."""
    assert not [sorted(one) for one in nx.strongly_connected_components(graph()) if len(one) > 1]


@pytest.mark.parametrize("top", FAR_APART)
def test_layers_that_are_far_apart(top: str) -> None:
    """Not even by way of other modules does a lower layer load an upper one."""
    arrows = graph()
    for name in arrows:
        if name.split(".")[0] == top:
            loaded = {one.split(".")[0] for one in nx.descendants(arrows, name)}
            assert loaded.isdisjoint(FAR_APART[top]), name


def test_every_arrow_of_the_table_is_there() -> None:
    """What nobody uses any more leaves the table."""
    used: dict[str, set[str]] = {}
    for name, one in graph().edges:
        used.setdefault(room(name), set()).add(room(one))
    unused = {f"{name}: {one}" for name in ARROWS for one in ARROWS[name] - used.get(name, set())}
    assert not unused, "\n".join(sorted(unused))
