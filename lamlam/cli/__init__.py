"""The ``lamlam`` command, one file for each group of verbs."""
