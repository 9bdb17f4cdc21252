"""What every request passes first: host and origin, access key, limits of its body, shutting down."""
