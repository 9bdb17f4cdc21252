"""The memory tools under the name that they had before they got a folder of their own."""

from __future__ import annotations

from lamlam.runtime.tools.arguments import Correct as Correct
from lamlam.runtime.tools.arguments import Forget as Forget
from lamlam.runtime.tools.arguments import LookUp as LookUp
from lamlam.runtime.tools.arguments import Remember as Remember
from lamlam.runtime.tools.arguments import Search as Search
from lamlam.runtime.tools.call_reading import read_arguments as read_arguments
from lamlam.runtime.tools.memory_tools import MemoryTools as MemoryTools
from lamlam.runtime.tools.tool import TOOLS as TOOLS
from lamlam.runtime.tools.tool import Tool as Tool
