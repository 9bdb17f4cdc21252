"""Token files: epochs of training documents, drawn and encoded once, read as they lie on disk."""
