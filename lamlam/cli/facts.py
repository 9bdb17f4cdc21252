"""``lamlam facts``: read and change what memory holds; one file for each group of its verbs."""

from __future__ import annotations

import typer

from lamlam.cli import (
    facts_about,
    facts_change,
    facts_changes,
    facts_files,
    facts_forget,
    facts_graph,
    facts_names,
    facts_read,
    facts_relations,
    facts_search,
    facts_sweep,
    facts_undo,
    facts_verify,
)

app = typer.Typer(help="Read, import, change and erase facts.", no_args_is_help=True)

facts_files.register(app)
facts_read.register(app)
facts_search.register(app)
facts_about.register(app)
facts_change.register(app)
facts_changes.register(app)
facts_forget.register(app)
facts_names.register(app)
facts_relations.register(app)
facts_graph.register(app)
facts_sweep.register(app)
facts_undo.register(app)
facts_verify.register(app)
