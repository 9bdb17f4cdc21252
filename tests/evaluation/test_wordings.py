"""The shipped wordings are of the promised form, and are asked as the docs say."""

from __future__ import annotations

import re
from collections import Counter

from lamlam.evaluation.other_words import WordSettings
from lamlam.evaluation.wordings import (
    choose_wordings,
    evaluate_wordings,
    facts_in_memory,
    load_wordings,
)


def test_the_set_is_of_the_promised_size() -> None:
    """Sixty relations with five wordings each, of six entities each, in many styles."""
    all_of = load_wordings()
    each = Counter((one.group, one.relation) for one in all_of.wordings)
    assert len({relation for _, relation in each}) >= 60
    assert min(each.values()) >= 5
    assert set(Counter(one.group for one in all_of.entities).values()) == {6}
    assert len({one.style for one in all_of.wordings}) >= 12
    assert len({one.id for one in all_of.wordings}) == len(all_of.wordings)
    assert len({one.entity for one in all_of.entities}) >= 140


def test_every_value_of_an_entity_is_another_one() -> None:
    """So that the value of another relation is never right; names differ too."""
    all_of = load_wordings()
    for entity in all_of.entities:
        assert len(entity.facts) >= 4
        assert len(set(entity.facts.values())) == len(entity.facts), entity.entity
        assert all(entity.facts.values())
        names = {all_of.stored_name(entity, relation) for relation in entity.facts}
        assert len(names) == len(entity.facts)


def test_every_wording_is_asked_once_before_one_comes_again() -> None:
    """Half of the items are stored under the names that people type."""
    all_of = load_wordings()
    once = choose_wordings(all_of)
    assert {one.wording.id for one in once} == {one.id for one in all_of.wordings}
    assert len(once) == len(all_of.wordings)
    assert abs(sum(one.entity.has_typed_names for one in once) / len(once) - 0.5) < 0.02
    every = choose_wordings(all_of, 10**6)
    assert len({one.asked.key for one in every}) == len(every) == 6 * len(once)


def test_a_prompt_names_its_entity_and_not_the_value() -> None:
    for one in choose_wordings(load_wordings(), 10**6):
        prompt, (value,) = one.asked.prompt, one.asked.fact.values
        assert one.entity.entity.lower() in prompt.lower()
        assert "{" not in prompt and prompt == prompt.strip()
        rest = re.sub(re.escape(one.entity.entity), "", prompt, flags=re.IGNORECASE)
        if len(value) > 2:
            assert value not in rest, one.wording.id


def test_memory_holds_the_asked_facts_and_more() -> None:
    """Each entity has at least the asked facts and as many others as told, if the set has them."""
    all_of = load_wordings()
    chosen = choose_wordings(all_of, 200)
    for more in (0, 3):
        held = facts_in_memory(all_of, chosen, more, 0)
        triples = set(held)
        assert len(triples) == len(held)
        for one in chosen:
            fact = one.asked.fact
            assert (fact.entity, fact.relation, *fact.values) in triples
        assert min(Counter(triple[0] for triple in held).values()) >= more + 1


def test_a_few_are_asked_of_the_bundled_model() -> None:
    """The figures cover every item; without memory nothing is looked up."""
    result = evaluate_wordings(items=4, settings=WordSettings(more_facts=3, show_progress=False))
    outcomes, styles = result["outcomes"], result["by_style"]
    assert isinstance(outcomes, dict) and len(outcomes) == result["n"] == 4
    assert isinstance(styles, dict) and sum(one["n"] for one in styles.values()) == 4
    assert result["exact"] == sum(outcomes.values()) / 4
    off = evaluate_wordings(items=2, settings=WordSettings(memory_off=True, show_progress=False))
    assert off["memory_scope"] == "off"
    assert off["asked_nothing"] == 1.0
