"""Completions, chat completions, responses and models, in the shapes that OpenAI's clients read."""
