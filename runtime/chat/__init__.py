"""Write chats: templates, prompts and tool calls."""
