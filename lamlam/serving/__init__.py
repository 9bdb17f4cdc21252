"""The HTTP server: OpenAI's API for the engine, facts as resources, MCP beside; extra ``serve``."""
