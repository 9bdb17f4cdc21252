"""Decide token by token what one sequence writes: masks, constraints, sampling, events."""
