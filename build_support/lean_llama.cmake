set(LLAMA_BUILD_COMMON OFF) # lamlam loads libllama alone; the wrapper's CMake file forces this on
