"""What the words of a text ask for: the names in it that memory holds, and the relation named."""
