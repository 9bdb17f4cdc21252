"""A memory as the store of a graph of LangGraph (extra `langgraph`)."""
