set(LLAMA_BUILD_COMMON OFF) # lamlam loads libllama alone; the wrapper's CMake file forces this on

# Compiled by GCC, the matrix tiles of newer Intel processors (AMX) end the process with "illegal
# instruction": llama.cpp loads a tile configuration that the compiler has left out (its pull
# request 26954). The same processors run without the tiles.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile CAN_LEAVE_OUT_AMX) # other processors do not know it
if(CAN_LEAVE_OUT_AMX)
  add_compile_options(-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endif()
