"""Every style asks for the relation of the entity, whatever their names hold."""

from __future__ import annotations

import pytest

from lamlam.evaluation.question_styles import STYLES, questions, spoken


@pytest.mark.parametrize("relation", ["birth place", "located in", "capital of", "founded", "of"])
def test_every_style_names_both_and_no_two_are_alike(relation: str) -> None:
    asked = dict(questions("Ada Quill", relation))
    assert len(asked) == len(STYLES) == 6
    assert len(set(asked.values())) == 6
    for prompt in asked.values():
        assert "Ada Quill" in prompt
        assert relation in prompt


def test_the_form_follows_the_name_of_the_relation() -> None:
    """A thing, what is said of the entity, what the entity is of the value."""
    direct, *_ = STYLES
    assert direct.question("Pelt", "Birth_Place") == "What is the birth place of Pelt?"
    assert direct.question("Pelt", "located in") == "What was Pelt located in?"
    assert direct.question("Pelt", "founded") == "What was Pelt founded?"
    assert direct.question("Pelt", "capital of") == "What is Pelt the capital of?"


def test_names_are_data() -> None:
    """Braces and percent signs in a name are no templates."""
    asked = dict(questions("{relation} {0}", "{entity} %s"))
    assert asked["direct question"] == "What is the {entity} %s of {relation} {0}?"
    assert spoken("") == ""
    assert "What is the  of Pelt?" in dict(questions("Pelt", " _ ")).values()
