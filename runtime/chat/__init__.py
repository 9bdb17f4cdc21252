"""Write chats: templates, prompts, tool calls and memory tools."""
