"""Chats of a user and an assistant that looks facts up, as messages.

The messages are what a chat template wraps: those of the user ask, those of the assistant answer in a
sentence with the value, its lookup before it. Where memory has no answer, the assistant says so.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lamlam.trainer.augmentation import NO_AUGMENTATION, augment
from lamlam.trainer.lookup_format import write
from lamlam.trainer.synthetic.worded.asking import ask_by_label, go_on_after_miss
from lamlam.trainer.synthetic.worded.draft import Draft
from lamlam.trainer.synthetic.worded.known import FactSource, HeldEntity
from lamlam.trainer.synthetic.worded.scene import AskedFact, Scene

Message = dict[str, str]
_NEXT = "\ue000"
"""Stands between two messages while they are one text; no fact has it."""
_SENTENCE, _ABOUT = 0.75, 0.12
"""Share of the answers that are a sentence where the fact has one; share of the turns that ask what
there is to say about an entity."""


def write_chats(
    rng: random.Random, source: FactSource, n: int, *, absent: float = 0.08
) -> Iterator[list[Message]]:
    """Yield ``n`` chats, each a list of messages with ``role`` and ``content``.

    Args:
        source: of the entities that are asked about.
        absent: share of the facts that are asked for although memory lacks them.
    """
    for _ in range(n):
        scene = Scene(rng, source, absent, Draft("lower" if rng.random() < 0.06 else ""))
        entity = _write_turns(scene)
        document = scene.draft.finish(entity.name, is_person=entity.is_person)
        text = write(augment(document, random.Random(0), NO_AUGMENTATION, {}))
        yield [
            {"role": ("user", "assistant")[i % 2], "content": part.strip()}
            for i, part in enumerate(text.split(_NEXT))
        ]


def _write_turns(scene: Scene) -> HeldEntity:
    first = entity = scene.entity(2)
    for turn in range(scene.one_of((1, 1, 2, 2, 3, 4))):
        if turn:
            scene.draft.say(_NEXT)
            if scene.chance(0.35):
                entity = scene.one_of((scene.entity(), *scene.others(entity, 1)))
        # A pronoun of the assistant's would have nothing before it in its own message.
        scene.last = ""
        if scene.chance(_ABOUT):
            _tell_about(scene, entity)
        else:
            _ask(scene, entity, is_first=not turn)
    if scene.chance(0.1):
        scene.draft.say(_NEXT + scene.words("thanking") + _NEXT + scene.words("thanks"))
    return first


def _ask(scene: Scene, entity: HeldEntity, *, is_first: bool) -> None:
    asked = scene.asked(entity)
    if scene.chance(0.2):
        scene.draft.say(scene.words("greetings") + " ")
    if not is_first and scene.chance(0.2):
        said: str | None = scene.label(asked.fact)
        scene.draft.say(scene.one_of(("And the {R} of ", "What about the {R} of ", "{R} of "))
                        .replace("{R}", said or ""))  # fmt: skip
        scene.draft.name(entity.name)
        scene.draft.say("?")
    else:
        is_asked, said = scene.ask(asked)
        if not is_asked:
            said = ask_by_label(scene, asked)
    scene.draft.say(_NEXT)
    scene.last = ""
    _answer(scene, asked, said)


def _answer(scene: Scene, asked: AskedFact, said: str | None) -> None:
    if not asked.is_held:
        scene.answer(asked, said)
        go_on_after_miss(scene, asked)
        return
    if scene.chance(_SENTENCE) and (_state_simply(scene, asked, said) or scene.state(asked)):
        if scene.chance(0.15):
            _add_one_more(scene, asked)
        return
    if scene.chance(0.5):
        scene.draft.say(scene.words("answer openings") + " ")
    scene.value(asked, said)
    scene.draft.say(".")


def _state_simply(scene: Scene, asked: AskedFact, said: str | None) -> bool:
    """Write the plainest sentence, in two thirds of the cases, where the relation has a noun."""
    noun = said or scene.noun(asked.fact)
    if noun is None or scene.chance(0.33):
        return False
    name = scene.draft.called(asked.entity.name)
    if not name.endswith("s") and scene.chance(0.3):
        scene.draft.name(asked.entity.name)
        scene.draft.say(f"'s {noun} is ")
    else:
        scene.draft.say(f"The {noun} of ")
        scene.draft.name(asked.entity.name)
        scene.draft.say(" is ")
    scene.value(asked, noun)
    scene.draft.say(".")
    return True


def _add_one_more(scene: Scene, asked: AskedFact) -> None:
    """Write another fact of the entity in a sentence of its own."""
    for other in scene.several(asked.entity, 2):
        if other.fact.relation != asked.fact.relation:
            scene.draft.say(" ")
            scene.state(other)
            return


def _tell_about(scene: Scene, entity: HeldEntity) -> None:
    """Write a request for anything about an entity, and two or three sentences with its facts."""
    before, _, after = scene.words("requests about").partition("{E}")
    scene.draft.say(before)
    scene.draft.name(entity.name)
    scene.draft.say(after + _NEXT)
    stated = 0
    for one in scene.several(entity, scene.one_of((2, 3, 3, 4))):
        if stated:
            scene.draft.say(" ")
        stated += scene.state(one)
        scene.draft.text = scene.draft.text.rstrip(" ")
    if not stated:
        asked = AskedFact(entity, entity.facts[0])
        scene.draft.say("Its " if not entity.is_person else "The ")
        label = scene.label(asked.fact)
        scene.draft.say(label + " is ")
        scene.value(asked, label)
        scene.draft.say(".")
