"""Record what an engine does: traces and OpenTelemetry."""
