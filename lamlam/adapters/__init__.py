"""lamlam in other people's frameworks: one module for each, with an extra of the same name."""
