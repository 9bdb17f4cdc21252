#!/bin/sh
# transformers reads "add_bos_token": true of a tokenizer's settings as false, and drops it when it saves.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3.
# Valid input: tokenizer_config.json with "tokenizer_class": "PreTrainedTokenizerFast", "bos_token":
#   "<s>" and "add_bos_token": true, beside a tokenizer.json without a post-processor.
# Expected: texts begin with <s>, as programs that read the same key make them begin (converters to
#   GGUF among them); or the attribute of the tokenizer says true; or an error.
# Seen: add_bos_token is False, "a b" has no <s>, and tokenizer_config.json has no such key after
#   save_pretrained; no warning. Models get texts without the token that they were trained with.
# Way around: put BOS into the post-processor of tokenizer.json.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3
seen=$(HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder" 2>/dev/null <<'END'
import json
import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

folder = sys.argv[1]
words = Tokenizer(models.WordLevel({"<s>": 0, "a": 1, "b": 2, "<unk>": 3}, unk_token="<unk>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
words.save(f"{folder}/tokenizer.json")
settings = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "unk_token": "<unk>",
    "add_bos_token": True,
}
with open(f"{folder}/tokenizer_config.json", "w") as file:
    json.dump(settings, file)
tokenizer = AutoTokenizer.from_pretrained(folder)
tokenizer.save_pretrained(f"{folder}/again")
with open(f"{folder}/again/tokenizer_config.json") as file:
    saved = json.load(file)
print(tokenizer.add_bos_token, tokenizer("a b")["input_ids"], saved.get("add_bos_token"))
END
)
echo "$seen"
test "$seen" = "False [1, 2] None" || { echo "this behaviour has changed" >&2; exit 1; }
