#!/bin/sh
# minijinja counts none as iterable, and a chat message without content reads as parts.
#
# Versions: minijinja 3.1.0, Jinja2 3.1.6.
# Valid input: a chat template that tells text, parts and no content apart with "is iterable",
#   as templates of published models do, and a message whose content is none: the form in which
#   a model's message that only calls a tool is handed back.
# Expected: the last branch, as in Jinja2, for which such templates are written.
# Seen: the branch of parts, with no parts: what the template writes around them is in the prompt,
#   and what it writes for no content is missing. No warning, no error.
# Way around: ask "is not none" first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet minijinja==3.1.0 jinja2==3.1.6
seen=$("$folder/venv/bin/python" - <<'END'
import jinja2
import minijinja

template = (
    "{% if content is string %}text"
    "{% elif content is iterable %}[{% for part in content %}{{ part }}{% endfor %}]"
    "{% else %}nothing{% endif %}"
)
print("minijinja:", minijinja.Environment().render_str(template, content=None))
print("Jinja2:", jinja2.Environment().from_string(template).render(content=None))
END
)
expected='minijinja: []
Jinja2: nothing'
echo "$seen"
test "$seen" = "$expected" || { echo "this behaviour has changed" >&2; exit 1; }
