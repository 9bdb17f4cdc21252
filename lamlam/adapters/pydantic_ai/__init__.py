"""Memory tools, facts about each message, and the engine as a model, for pydantic-ai.

It is installed by the extra `pydantic-ai`. For other tools or facts in each run, hand a function
to the agent: ``toolsets=[lambda context: MemoryToolset(tools_of(context.deps))]``.
"""

from lamlam.installed import missing_extra

try:
    from lamlam.adapters.pydantic_ai.engine_model import EngineModel as EngineModel
    from lamlam.adapters.pydantic_ai.memory import MemoryToolset as MemoryToolset
    from lamlam.adapters.pydantic_ai.memory import memory_capability as memory_capability
except ModuleNotFoundError as error:
    raise missing_extra(error) or error from None
