"""Keep facts in a Neo4j database."""
