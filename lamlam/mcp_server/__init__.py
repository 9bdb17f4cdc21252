"""A memory as a server of the Model Context Protocol: tools, resources and subscriptions.

`lamlam.mcp_server.app.mcp_app` is the ASGI application, `lamlam.mcp_server.standard_streams`
serves one client that started the process. Only these modules import the SDK (extra ``mcp``).
"""

from lamlam.installed import need

need("mcp")
