"""A memory as the store of graphs of LangGraph (extra `langgraph`)."""

from lamlam.installed import missing_extra

try:
    from lamlam.adapters.langgraph.store import LamlamStore as LamlamStore
except ModuleNotFoundError as error:
    raise missing_extra(error) or error from None
