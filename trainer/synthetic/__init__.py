"""Make synthetic documents with facts about invented names."""
