"""Documents that tell: sentences, appositives, inversions, paragraphs about several entities."""

from __future__ import annotations

import re
from dataclasses import replace

from lamlam.trainer.synthetic.worded.asking import state_by_label
from lamlam.trainer.synthetic.worded.known import HeldEntity, HeldFact
from lamlam.trainer.synthetic.worded.scene import AskedFact, Scene


def write_sentence(scene: Scene) -> HeldEntity:
    """Write one to three sentences, each about an entity of its own or the one before."""
    scene.lead()
    first = entity = scene.entity()
    for i in range(scene.one_of((1, 1, 2, 3))):
        if i:
            scene.draft.say(scene.one_of((" ", " ", "\n")))
            entity = scene.one_of((entity, scene.entity()))
        asked = scene.asked(entity)
        if not scene.state(asked, open_end=True):
            state_by_label(scene, scene.asked(entity, surely=True))
        elif not asked.is_held:
            scene.draft.say(" " + scene.words("after a miss"))
    return first


def write_paraphrases(scene: Scene) -> HeldEntity:
    """Write one fact in several ways: it is looked up once, and then stands in the text."""
    asked = scene.asked(scene.entity(), surely=True)
    asked = replace(asked, fact=replace(asked.fact, values=asked.fact.values[:1]))
    if not scene.state(asked):
        state_by_label(scene, asked)
        return asked.entity
    for _ in range(scene.one_of((1, 1, 2))):
        scene.draft.say(scene.one_of((" ", " ", "\n", " In other words: ", " That is: ")))
        if not scene.state_plainly(asked):
            break
    scene.draft.text = scene.draft.text.rstrip()
    return asked.entity


def write_possessive(scene: Scene) -> HeldEntity:
    """Write facts as what belongs to the entity: "E's R is V"."""
    scene.lead()
    first = entity = scene.entity(2)
    for i, one in enumerate(scene.several(entity, scene.one_of((1, 2, 3)))):
        noun = scene.noun(one.fact)
        if i:
            scene.draft.say(" ")
        if noun is None:
            state_by_label(scene, one)
            continue
        _fill_with(scene, scene.words("possessives"), one, noun)
    return first


def _fill_with(scene: Scene, pattern: str, asked: AskedFact, noun: str) -> None:
    for part in _parts(pattern):
        if part == "{E}":
            scene.draft.name(asked.entity.name)
        elif part == "{V}":
            scene.value(asked, noun)
        else:
            scene.draft.say(part.replace("{R}", noun))


def _parts(pattern: str) -> list[str]:
    return [part for part in re.split(r"(\{E\}|\{V\})", pattern) if part]


def write_appositive(scene: Scene) -> HeldEntity:
    """Write facts beside a name, inside a sentence about something else."""
    scene.lead()
    entity = scene.entity(2)
    facts = [one for one in scene.several(entity, 3) if scene.noun(one.fact)]
    for i, one in enumerate(facts[: scene.one_of((1, 1, 2))]):
        noun = scene.noun(one.fact) or one.fact.relation
        if i:
            scene.draft.say(" ")
        _fill_with(scene, scene.words("appositives"), one, noun)
    if not facts:
        state_by_label(scene, scene.asked(entity, surely=True))
    return entity


def write_inversion(scene: Scene) -> HeldEntity:
    """Write a fact from its value's side: "Oslo is the capital of Norway".

    The text names the value first, so the lookup asks about that: what Oslo is the capital of.
    Memories that know the way back answer; in the others it is a miss.
    """
    for _ in range(8):
        asked = scene.asked(scene.entity(), surely=True)
        family = asked.fact.family
        if family is not None and family.inverse:
            value = asked.fact.values[0]
            back = HeldEntity(value, family.value, "they", ())
            said = scene.one_of(family.inverse)
            is_held = not scene.chance(scene.absent)
            held = HeldFact(said, (asked.entity.name,) if is_held else ())
            scene.lead()
            scene.draft.name(value)
            verb = scene.one_of(family.inverse_verbs)
            scene.draft.say(f" {verb} ")
            scene.value(AskedFact(back, held), scene.one_of(family.inverse))
            scene.draft.say(".")
            rest = [one for one in scene.several(asked.entity, 3) if one.fact is not asked.fact]
            if is_held and rest and scene.chance(0.5):
                scene.draft.say(" ")
                if not scene.state(rest[0]):
                    state_by_label(scene, rest[0])
            return back
    return write_sentence(scene)


def write_mentions(scene: Scene) -> HeldEntity:
    """Write a paragraph that names several entities and states facts about each."""
    first = scene.entity(2)
    others = scene.others(first, 2) if scene.chance(0.7) else [scene.entity()]
    others = [one for one in others if one.name != first.name] or [scene.entity()]
    scene.aside(first, others[0])
    entities = [first, *others]
    if scene.chance(0.5):
        scene.rng.shuffle(entities)
    _contrast(scene, entities)
    for entity in entities:
        for one in scene.several(entity, scene.one_of((1, 1, 2))):
            scene.draft.say(" ")
            if not scene.state(one):
                state_by_label(scene, one)
    if scene.chance(0.2):
        scene.draft.say(" " + scene.words("remark"))
    return first


def _contrast(scene: Scene, entities: list[HeldEntity]) -> None:
    """Write one relation of two entities in one sentence, where both have it."""
    first, second = entities[0], entities[1]
    for fact in first.facts:
        other = next((f for f in second.facts if f.relation == fact.relation), None)
        noun = scene.noun(fact)
        if other is None or noun is None:
            continue
        is_short = scene.chance(0.3)
        opening = f" {noun[0].upper()}{noun[1:]}: " if is_short else f" The {noun} of "
        if not is_short and scene.chance(0.4):
            opening = f" While the {noun} of "
        scene.draft.say(opening)
        between = "; " if is_short else ", that of " if "While" in opening else ", and that of "
        for number, one in enumerate((AskedFact(first, fact), AskedFact(second, other))):
            scene.draft.say(between if number else "")
            scene.draft.name(one.entity.name)
            scene.draft.say(", " if is_short else " is ")
            scene.value(one, noun)
        scene.draft.say(".")
        return


def write_plain(scene: Scene) -> HeldEntity:
    """Write plain prose: some sentences about one entity, then about another one."""
    first = entity = scene.entity(3)
    for part in range(scene.one_of((1, 2, 2, 3))):
        if part:
            entity = scene.entity(2)
            scene.draft.say(scene.one_of((" ", " ", "\n\n", "\n")))
            if scene.chance(0.5):
                _turn_to(scene, entity)
                scene.draft.say(" ")
        elif scene.chance(0.4):
            scene.aside(entity)
            scene.draft.say(" ")
        facts = scene.several(entity, scene.one_of((1, 2, 3)))
        if scene.chance(scene.absent):
            lacking = scene.lacking(entity)
            facts = [*facts, lacking] if lacking is not None else facts
        for i, one in enumerate(facts):
            if i:
                scene.draft.say(" ")
            if not scene.state(one):
                # Only what is held has a frame that always fits.
                state_by_label(scene, one if one.is_held else scene.asked(entity, surely=True))
            elif not one.is_held:
                scene.draft.say(" " + scene.words("after a miss"))
    return first


def _turn_to(scene: Scene, entity: HeldEntity) -> None:
    before, _, after = scene.words("turning").partition("{E}")
    scene.draft.say(before)
    scene.draft.name(entity.name)
    scene.draft.say(after)


def write_namesakes(scene: Scene) -> HeldEntity:
    """Write about two entities of one name, told apart by what stands in brackets behind it."""
    first = scene.entity(2)
    second = scene.entity(2)
    bare = first.name.split(" (")[0]
    signs = list(dict.fromkeys((_sign(scene, first), _sign(scene, second))))
    if len(signs) == 1:
        signs.append(scene.one_of(("other", "2", "II", "younger", "disambiguation")))
    pair = [
        replace(entity, name=f"{bare} ({sign})")
        for entity, sign in zip((first, second), signs, strict=True)
    ]
    if scene.chance(0.5):
        scene.aside(pair[0], pair[1])
        scene.draft.say(" ")
    for i, entity in enumerate(pair):
        for j, one in enumerate(scene.several(entity, scene.one_of((1, 2)))):
            if i or j:
                scene.draft.say(scene.one_of((" ", "\n")) if not j else " ")
            if not scene.state(one):
                state_by_label(scene, one)
    return pair[0]


_SIGNS = {
    "person": ("politician", "painter", "born 1871", "singer", "footballer", "bishop", "chemist"),
    "place": ("town", "river", "island", "province", "village", "lake", "county", "state"),
    "work": ("film", "novel", "album", "1957 film", "song", "opera", "TV series", "video game"),
    "organisation": ("company", "band", "newspaper", "football club", "school", "party"),
    "thing": ("ship", "plant", "bird", "planet", "element", "mountain", "language", "moon"),
    "event": ("battle", "festival", "2004 race", "tournament", "election"),
}  # fmt: skip


def _sign(scene: Scene, entity: HeldEntity) -> str:
    return scene.one_of(_SIGNS.get(entity.kind) or ("first", "second", "old", "new"))


def write_headlines(scene: Scene) -> HeldEntity:
    """Write a headline with an entity in it, then sentences or short lines."""
    first = entity = scene.entity(2)
    mark = scene.one_of(("", "", "# ", "## ", "== "))
    for i in range(scene.one_of((1, 1, 2))):
        if i:
            entity = scene.entity(2)
            scene.draft.say("\n\n")
        before, _, after = scene.words("headline").partition("{E}")
        scene.draft.say(mark + before)
        scene.draft.name(entity.name)
        scene.draft.say(after + ("\n" if scene.chance(0.6) else "\n\n"))
        for j, one in enumerate(scene.several(entity, scene.one_of((1, 2, 3)))):
            if j:
                scene.draft.say(" ")
            noun = scene.noun(one.fact)
            if noun is not None and scene.chance(0.3):
                scene.draft.say(noun[0].upper() + noun[1:] + ": ")
                scene.value(one, noun)
                scene.draft.say(".")
            elif not scene.state(one):
                state_by_label(scene, one)
    return first
