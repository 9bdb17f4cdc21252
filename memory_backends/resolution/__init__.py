"""Find the entity and the relation that a question means (record linkage)."""
