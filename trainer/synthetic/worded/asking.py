"""Documents that ask: questions, gaps, examples before a question, passages, talks, key words."""

from __future__ import annotations

from lamlam.trainer.synthetic.worded.known import HeldEntity
from lamlam.trainer.synthetic.worded.scene import AskedFact, Scene


def write_question(scene: Scene) -> HeldEntity:
    """Write one to three questions with answers, with or without marks before them."""
    if scene.chance(0.15):
        scene.draft.say(scene.words("instructions") + scene.one_of(("\n", "\n\n", " ")))
    else:
        scene.lead()
    form = scene.one_of(("marks", "marks", "line", "inline", "inline", "sentence", "dash"))
    question_mark, answer_mark = scene.words("question marks"), scene.words("answer marks")
    first = scene.entity()
    entity = first
    for i in range(scene.one_of((1, 1, 1, 2, 3))):
        if i:
            scene.draft.say("\n" if form != "marks" else scene.one_of(("\n", "\n\n")))
            entity = scene.one_of((entity, scene.entity()))
        asked = scene.asked(entity)
        if form == "marks":
            scene.draft.say(question_mark + " ")
        is_asked, said = scene.ask(asked)
        if not is_asked:
            said = ask_by_label(scene, asked)
        if form == "marks":
            scene.draft.say("\n" + answer_mark + " ")
        else:
            scene.draft.say({"line": "\n", "dash": " – "}.get(form, " "))
        if form == "sentence" and scene.state(asked):
            pass
        else:
            scene.answer(asked, said)
        if not asked.is_held:
            go_on_after_miss(scene, asked)
    return first


def ask_by_label(scene: Scene, asked: AskedFact) -> str:
    """Write the name of the relation and of the entity with a question mark."""
    label = scene.label(asked.fact)
    parts = scene.one_of(("{E}, {R}?", "{R}: {E}?", "{E} – {R}?", "{E}: {R}?")).split("{E}")
    for i, part in enumerate(parts):
        if i:
            scene.draft.name(asked.entity.name)
        scene.draft.say(part.replace("{R}", label))
    return label


def go_on_after_miss(scene: Scene, missed: AskedFact) -> None:
    """Write, in half of the cases, what else is known about the entity."""
    if scene.chance(0.5):
        return
    scene.draft.say(" " if scene.draft.text.endswith((".", "!")) else ". ")
    if scene.chance(0.4):
        scene.draft.say(scene.words("after a miss"))
        return
    held = scene.several(missed.entity, 1)
    if held:
        scene.draft.say(scene.words("after a miss, more") + " ")
        if not scene.state(held[0]):
            state_by_label(scene, held[0])


def state_by_label(scene: Scene, asked: AskedFact) -> None:
    """Write entity, name of the relation and value, as in a record."""
    label = scene.label(asked.fact)
    scene.draft.name(asked.entity.name)
    scene.draft.say(scene.one_of((", {R}: ", "; {R}: ", " ({R}): ")).replace("{R}", label))
    scene.value(asked, label)
    scene.draft.say(".")


_BEFORE_MISSING = (
    " ", " ", " ", "\n", "\n", "\nAnswer: ", "\nMissing: ", "\nGap: ", "\n=> ", "\nLeft out: ", " → ",
)  # fmt: skip
"""What stands between a sentence with a gap and what belongs there."""


def write_gap(scene: Scene) -> HeldEntity:
    """Write a sentence with a gap, and what belongs there."""
    if scene.chance(0.5):
        scene.draft.say(scene.words("instructions for blanks") + scene.one_of(("\n", " ", "\n\n")))
    first: HeldEntity | None = None
    blank = scene.words("blanks")
    how = scene.one_of(_BEFORE_MISSING)
    for i in range(scene.one_of((1, 1, 2, 3))):
        asked = scene.asked(scene.entity())
        found = scene.frame(asked, "retold")
        if found is None:
            continue
        if i and first is not None:
            scene.draft.say("\n")
        first = first or asked.entity
        scene.fill(found[0], asked, found[1], blank=blank)
        scene.draft.say(how)
        scene.answer(asked, found[1], ends=False)
    return first or _one_label(scene)


def _one_label(scene: Scene) -> HeldEntity:
    asked = scene.asked(scene.entity(), surely=True)
    state_by_label(scene, asked)
    return asked.entity


def write_examples(scene: Scene) -> HeldEntity:
    """Write a few examples of one relation, or of several, and then the one that is asked."""
    entity = scene.entity()
    asked = scene.asked(entity)
    family = asked.fact.family
    is_mixed = family is None or scene.chance(0.3)
    n = scene.one_of((1, 2, 2, 3, 3, 4))
    if is_mixed or family is None:
        examples = [scene.asked(scene.entity(), surely=True) for _ in range(n)]
    else:
        examples = scene.with_family(family, n, entity.name) if scene.has(family) else []
    found = scene.frame(asked, "question")
    form = scene.one_of(("marks", "marks", "arrow", "line", "equals"))
    marks = scene.words("question marks"), scene.words("answer marks")
    between = "\n\n" if form == "marks" and scene.chance(0.4) else "\n"
    if scene.chance(0.2):
        scene.draft.say(scene.words("instructions") + "\n")
    for i, one in enumerate((*examples, asked)):
        if one is asked and i and scene.chance(0.7):
            scene.draft.tell()
        if i:
            scene.draft.say(between)
        if form in ("marks", "line"):
            scene.draft.say(marks[0] + " " if form == "marks" else "")
            said: str | None
            if found is not None and not is_mixed:
                scene.fill(found[0], one, found[1])
                said = found[1]
            else:
                is_asked, said = scene.ask(one)
                if not is_asked:
                    said = ask_by_label(scene, one)
            scene.draft.say(f"\n{marks[1]} " if form == "marks" else " ")
        else:
            said = scene.label(one.fact)
            scene.draft.name(one.entity.name)
            scene.draft.say(f", {said} {'->' if form == 'arrow' else '='} ")
        if one is asked:
            scene.answer(one, said, ends=False)
        else:
            scene.value(one, said)
    return entity


def write_passage(scene: Scene) -> HeldEntity:
    """Write a passage about one or two entities, then a question that it may not answer."""
    entity = scene.entity(3)
    asked = scene.asked(entity)
    told = [one for one in scene.several(entity, 4) if one.fact.relation != asked.fact.relation]
    has_mark = scene.chance(0.8)
    scene.draft.say(scene.words("context marks") + scene.one_of((" ", "\n")) if has_mark else "")
    if scene.chance(0.4):
        scene.aside(entity)
        scene.draft.say(" ")
    for one in told[: scene.one_of((1, 2, 3))]:
        if scene.state(one):
            scene.draft.say(" ")
    for other in scene.others(entity, 1) if scene.chance(0.3) else ():
        if scene.state(scene.asked(other, surely=True)):
            scene.draft.say(" ")
    if not scene.draft.facts:
        scene.aside(entity)
    scene.draft.text = scene.draft.text.rstrip()
    if scene.chance(0.8):
        scene.draft.tell()
    scene.draft.say("\n" if scene.chance(0.7) else "\n\n")
    question_mark = scene.words("question marks") if has_mark else ""
    scene.draft.say(question_mark + " " if question_mark else "")
    is_asked, said = scene.ask(asked)
    if not is_asked:
        said = ask_by_label(scene, asked)
    scene.draft.say("\n" + scene.words("answer marks") + " " if has_mark else "\n")
    scene.answer(asked, said)
    return entity


def write_talk(scene: Scene) -> HeldEntity:
    """Write a talk of one to four turns about an entity and, later, another one."""
    user, assistant = scene.words("user"), scene.words("assistant")
    entity = first = scene.entity(2)
    for turn in range(scene.one_of((1, 1, 2, 2, 3, 4))):
        if turn:
            scene.draft.say(scene.one_of(("\n", "\n", "\n\n")))
            if scene.chance(0.35):
                entity = scene.one_of((scene.entity(), *scene.others(entity, 1)))
        asked = scene.asked(entity)
        scene.draft.say(f"{user}: ")
        if scene.chance(0.25):
            scene.draft.say(scene.words("greetings") + " ")
        is_asked, said = scene.ask(asked)
        if not is_asked:
            said = ask_by_label(scene, asked)
        scene.draft.say(f"\n{assistant}: ")
        how = scene.rng.random()
        if how < 0.45 or not asked.is_held:
            scene.answer(asked, said)
            if not asked.is_held:
                go_on_after_miss(scene, asked)
        elif how < 0.7:
            scene.draft.say(scene.words("answer openings") + " ")
            scene.value(asked, said)
            scene.draft.say(".")
        elif not scene.state(asked):
            scene.answer(asked, said)
    if scene.chance(0.15):
        scene.draft.say(
            f"\n{user}: {scene.words('thanking')}\n{assistant}: {scene.words('thanks')}"
        )
    return first


def write_key_words(scene: Scene) -> HeldEntity:
    """Write what people type into a search field, and the answer."""
    first = scene.entity()
    entity = first
    for i in range(scene.one_of((1, 1, 2, 3))):
        if i:
            scene.draft.say("\n")
            entity = scene.entity()
        asked = scene.asked(entity)
        label = scene.label(asked.fact)
        pattern = scene.one_of(("{E} {R}", "{R} {E}", "{E}, {R}", "{R} of {E}", "{E} + {R}"))
        mark = scene.one_of((": ", ": ", " = ", " -> ", "\n", " – ", "? ", " "))
        for j, part in enumerate(pattern.split("{E}")):
            if j:
                scene.draft.name(entity.name)
            scene.draft.say(part.replace("{R}", label))
        scene.draft.say(mark)
        scene.answer(asked, label, ends=False)
    return first
