"""Documents in lines and columns: notes, lists, tables."""

from __future__ import annotations

from lamlam.trainer.synthetic.worded.known import HeldEntity, HeldFact, fact_of_family
from lamlam.trainer.synthetic.worded.scene import AskedFact, Scene


def write_notes(scene: Scene) -> HeldEntity:
    """Write the facts of one entity as lines or short parts: "E – b. V – profession: V"."""
    first = entity = scene.entity(3)
    how = scene.one_of(("lines", "lines", "bullets", "dashes", "semicolons", "brackets", "fields"))
    for i in range(scene.one_of((1, 1, 2))):
        if i:
            entity = scene.entity(2)
            scene.draft.say("\n\n" if how in ("lines", "bullets", "fields") else "\n")
        facts = scene.several(entity, scene.one_of((2, 3, 4, 5)))
        if scene.chance(scene.absent) and (lacking := scene.lacking(entity)) is not None:
            facts.insert(scene.rng.randrange(len(facts) + 1), lacking)
        if how == "fields":
            scene.draft.say(scene.one_of(("name: ", "Name: ", "Entry: ", "Title: ")))
        scene.draft.name(entity.name)
        for j, one in enumerate(facts):
            label = scene.label(one.fact)
            scene.draft.say(_before(how, j, label))
            if one.is_held:
                scene.values(one, label)
            else:
                _none(scene, one, label)
        scene.draft.say({"semicolons": ".", "brackets": ")"}.get(how, ""))
    return first


def _before(how: str, number: int, label: str) -> str:
    if how in ("lines", "fields"):
        return f"\n{label[0].upper() + label[1:] if how == 'lines' else label}: "
    if how == "bullets":
        return f"\n- {label}: "
    if how == "dashes":
        return f" – {label}: "
    if how == "brackets":
        return f" ({label}: " if not number else f"; {label}: "
    return f"; {label}: " if number else f": {label}: "


def _none(scene: Scene, asked: AskedFact, label: str) -> None:
    """Write what stands in a cell that nobody can fill."""
    if scene.chance(0.5):
        scene.draft.ask_in_vain(asked.entity.name, scene.stored_name(asked.fact, label))
    scene.draft.say(scene.one_of(("unknown", "unknown", "?", "not known", "–")))


def write_list(scene: Scene) -> HeldEntity:
    """Write one relation of several entities of a kind, a line each or in one sentence."""
    entity = scene.entity()
    asked = scene.asked(entity, surely=True)
    family = asked.fact.family
    rows = [asked]
    if family is not None and scene.has(family):
        rows += scene.with_family(family, scene.one_of((1, 2, 3, 4)), entity.name)
    label = scene.label(asked.fact)
    noun = scene.noun(asked.fact) or label
    how = scene.one_of(("bullets", "numbers", "commas", "colons", "arrows"))
    title = noun[0].upper() + noun[1:]
    scene.draft.say(
        scene.one_of((f"{title}:", f"{title}", f"List: {noun}", f"{title} (selection):"))
    )
    for i, one in enumerate(rows):
        if how == "commas":
            scene.draft.say(" " if not i else "; ")
        else:
            scene.draft.say("\n" + {"bullets": "- ", "numbers": f"{i + 1}. "}.get(how, ""))
        scene.draft.name(one.entity.name)
        scene.draft.say({"arrows": " → ", "commas": ", "}.get(how, ": "))
        scene.value(one, noun)
    scene.draft.say("." if how == "commas" else "")
    return entity


def write_table(scene: Scene) -> HeldEntity:
    """Write a table, a row an entity and a column a relation; or one entity as two columns."""
    entity = scene.entity(3)
    if scene.chance(0.25):
        return _two_columns(scene, entity)
    columns = scene.several(entity, scene.one_of((1, 2, 2, 3, 4)))
    rows = [entity, *scene.others(entity, scene.one_of((1, 2, 3, 4)))]
    labels = [scene.label(one.fact) for one in columns]
    # Memory names a column as one name for all its rows, the head's own in most tables.
    stored = [scene.stored_name(c.fact, label) for c, label in zip(columns, labels, strict=True)]
    heads = [head[0].upper() + head[1:] for head in labels] if scene.chance(0.6) else labels
    left, between, right, ruled = scene.one_of(
        (("| ", " | ", " |", True), ("| ", " | ", " |", True), ("", "\t", "", False),
         ("", ", ", "", False), ("", " | ", "", False), ("", ";", "", False), ("", "   ", "", False))
    )  # fmt: skip
    first = scene.one_of(("Name", "name", "Entry", "Title", "Item", ""))
    scene.draft.say(left + between.join([first or "Name", *heads]) + right)
    if ruled:
        scene.draft.say("\n|" + " --- |" * (len(heads) + 1))
    for row in rows:
        scene.draft.say("\n" + left)
        scene.draft.name(row.name)
        for column, name in zip(columns, stored, strict=True):
            scene.draft.say(between)
            fact = _same_fact(row, column.fact)
            if fact is not None:
                scene.draft.value(row.name, name, fact.values[0])
            else:
                if scene.chance(0.5):
                    scene.draft.ask_in_vain(row.name, name)
                scene.draft.say(scene.one_of(("unknown", "?", "–", "n/a")))
        scene.draft.say(right)
    return entity


def _same_fact(row: HeldEntity, wanted: HeldFact) -> HeldFact | None:
    for fact in row.facts:
        if fact.relation == wanted.relation:
            return fact
    return None if wanted.family is None else fact_of_family(row, wanted.family)


def _two_columns(scene: Scene, entity: HeldEntity) -> HeldEntity:
    left, between, right = scene.one_of(
        (("| ", " | ", " |"), ("", "\t", ""), ("", ": ", ""), ("", " = ", ""))
    )
    if left:
        scene.draft.say("| ")
        scene.draft.name(entity.name)
        scene.draft.say(" | |\n| --- | --- |")
    else:
        scene.draft.name(entity.name)
    for one in scene.several(entity, scene.one_of((2, 3, 4, 5))):
        label = scene.label(one.fact)
        scene.draft.say(f"\n{left}{label}{between}")
        scene.value(one, label)
        scene.draft.say(right)
    return entity
