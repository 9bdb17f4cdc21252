#!/bin/sh
# transformers reads a tokenizer from a GGUF file and splits text as GPT-2 does, whatever the file says.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3, gguf 0.19.0, torch 2.15.0.
# Valid input: a GGUF file with tokenizer.ggml.pre = smollm, as SmolLM2 has it: each digit is
#   split off before the merges are applied.
# Expected: "a12b" gives the tokens a, 1, 2 and b, as in llama.cpp and by the model's tokenizer.json.
# Seen: a, 12 and b: the merge of 1 and 2 is applied; no warning, no error. The pre-tokenizer is
#   GPT-2's, since tokenizer.ggml.pre is not read. A model gets tokens that it was not trained with.
# Way around: take tokenizer.json, or build the pre-tokenizer from tokenizer.ggml.pre.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3 gguf==0.19.0 torch==2.15.0
seen=$(HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder" <<'END'
import sys

import gguf
from transformers import AutoTokenizer

folder = sys.argv[1]
tokens = ["<|endoftext|>", *"0123456789ab", "12"]
writer = gguf.GGUFWriter(f"{folder}/m.gguf", "llama")
writer.add_context_length(16)
writer.add_embedding_length(8)
writer.add_block_count(1)
writer.add_feed_forward_length(8)
writer.add_head_count(1)
writer.add_head_count_kv(1)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("smollm")
writer.add_token_list(tokens)
writer.add_token_types([3] + [1] * (len(tokens) - 1))
writer.add_token_merges(["1 2"])
writer.add_bos_token_id(0)
writer.add_eos_token_id(0)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
print(*AutoTokenizer.from_pretrained(folder, gguf_file="m.gguf").tokenize("a12b"))
END
)
echo "$seen"
test "$seen" = "a 12 b" || { echo "this behaviour has changed" >&2; exit 1; }
