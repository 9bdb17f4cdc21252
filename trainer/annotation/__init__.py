"""From texts to training documents: which facts a text states, and where; nothing heavy is imported."""
