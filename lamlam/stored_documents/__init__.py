"""Documents of JSON in a fact store, for frameworks that keep values under keys."""
