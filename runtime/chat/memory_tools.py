"""The memory tools under the name that they had before they got a folder of their own."""

from __future__ import annotations

from lamlam.agent_tools.arguments import Correct as Correct
from lamlam.agent_tools.arguments import Forget as Forget
from lamlam.agent_tools.arguments import LookUp as LookUp
from lamlam.agent_tools.arguments import Remember as Remember
from lamlam.agent_tools.arguments import Search as Search
from lamlam.agent_tools.call_reading import read_arguments as read_arguments
from lamlam.agent_tools.memory_tools import MemoryTools as MemoryTools
from lamlam.agent_tools.tool import TOOLS as TOOLS
from lamlam.agent_tools.tool import Tool as Tool
