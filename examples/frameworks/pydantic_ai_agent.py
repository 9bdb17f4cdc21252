"""Use a memory in agents of pydantic-ai: as tools, as facts in the prompt, and under the model.

Needs the extra `pydantic-ai`, and `engine` for the last part. Prints:

    told: - Ada Quill: birth place: Lowmere
    called: remember_fact remembered
    written: Ada Quill was born in Lowmere
    cited: Lowmere, from the parish register
"""

import anyio
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

import lamlam
from lamlam.adapters.pydantic_ai import EngineModel, memory_capability


def stand_in(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Call a tool, then answer: any model of pydantic-ai may take this one's place."""
    if len(messages) > 1:
        return ModelResponse([TextPart("I shall remember that.")])
    print("told:", (info.instructions or "").splitlines()[-1])
    said = {"entity": "Ada Quill", "relation": "occupation", "value": "miller"}
    return ModelResponse([ToolCallPart("remember_fact", said)])


async def main() -> None:
    async with lamlam.open_store("memory:") as store:
        born = lamlam.Fact(
            entity="Ada Quill",
            relation="birth place",
            value="Lowmere",
            source="the parish register",
        )
        await store.apply([lamlam.Assert(born)])

        # Facts about the names in each message, and the memory tools, for any model.
        memory = memory_capability(lamlam.MemoryTools(store))
        agent = Agent(FunctionModel(stand_in), capabilities=[memory])
        done = await agent.run("Ada Quill is a miller now.")
        for part in done.all_messages()[2].parts:
            if isinstance(part, ToolReturnPart):
                print("called:", part.tool_name, part.model_response_object()["status"])

        # The engine as the model: what it looked up is cited.
        async with lamlam.Engine(memory=store) as engine:
            prompt = "Ada Quill was born in"
            written = await Agent(EngineModel(engine)).run(prompt, model_settings={"max_tokens": 2})
            text = written.response.parts[0]
            assert isinstance(text, TextPart)
            print("written:", prompt + text.content)
            for citation in text.citations or []:
                place, source = citation.anchor, citation.sources[0]
                assert place is not None
                print(f"cited: {text.content[place.start : place.end]}, from {source.title}")


anyio.run(main)
