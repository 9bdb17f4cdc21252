"""Answers of an engine for servers and frameworks: how one is asked for, and what was written."""
