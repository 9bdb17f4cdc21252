"""Keys are drawn towards names in the text and relations that memory holds."""

from __future__ import annotations

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import EntityView
from lamlam.runtime.decoding.actions import Sample
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.key_constraint import KeyConstraint
from lamlam.runtime.decoding.lookup_answers import GivenOut
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.trie import KeyTrie
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.scheduling.scripted import Continuations, run
from tests.runtime.support import BYTES, Asked, allowed, byte_vocabulary, make_decoder
from tests.tiny_model import ByteTokens, ScriptedModel

E, R, A, END = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>", "<|db_end|>"
CURIE = "Marie Curie was born in"


class Counting(FakeStore):
    """Counts the names it is asked for."""

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        if not fuzzy:
            self.asked.append((entity, ""))
        return super().describe_nowait(entity, fuzzy=fuzzy, namespace=namespace, as_of=as_of)


def names_in(trie: KeyTrie | None) -> set[str]:
    """The names that a trie holds, without the token that closes them."""
    if trie is None:
        return set()
    found: set[str] = set()

    def walk(node: KeyTrie, path: list[int]) -> None:
        if not node.children:
            found.add(byte_vocabulary().text_of(path[:-1]))
        for token, child in node.children.items():
            walk(child, [*path, token])

    walk(trie, [])
    return found


def entities(text: str, *known: str) -> set[str]:
    store = FakeStore({name.casefold(): {"x": ["y"]} for name in known})
    return names_in(KeyConstraint(store, byte_vocabulary(), Constraint()).entities(text))


def test_names_are_taken_as_they_stand() -> None:
    """Marks around a name are not part of it, marks inside are."""
    assert entities("MARIE Curie (born", "Marie Curie") == {" MARIE Curie"}
    assert entities('"Marie Curie", she', "Marie Curie") == {" Marie Curie"}
    assert entities("in (Marie Curie)", "Marie Curie") == {" Marie Curie"}
    assert entities("Marie Curie's work", "Marie Curie") == {" Marie Curie"}
    assert entities("by Sammy Davis Jr. in", "Sammy Davis Jr.") == {" Sammy Davis Jr."}
    assert entities("the Mercury (planet) is", "Mercury (planet)") == {" Mercury (planet)"}
    assert entities("Saint-Jean-de-Luz is", "Saint-Jean-de-Luz") == {" Saint-Jean-de-Luz"}
    assert entities("the Lord of the Rings is", "Lord of the Rings", "Rings") == {
        " Lord of the Rings",
        " Rings",
    }
    assert entities("at -40 °C. It", "-40 °C") == {" -40 °C"}
    assert entities("the A* search", "A*") == {" A*"}
    assert entities("Na- and Cl", "Na-") == {" Na-"}
    assert entities("of (+)-Limonene is", "(+)-Limonene") == {" (+)-Limonene"}
    assert entities("C++ and F#.", "C++", "F#", "C#") == {" C++", " F#"}
    assert entities("2001: A Space Odyssey is", "2001: A Space Odyssey")
    assert entities("ballet is", "ballet") == {" ballet"}, "the first word may be small"
    assert not entities("a ballet is", "ballet")
    assert not entities("", "x") and not entities("  — ( ", "x")


def test_only_new_text_is_probed() -> None:
    """A second look probes what was added; names found before stay."""
    store = Counting({"marie curie": {"x": ["y"]}, "pierre curie": {"x": ["y"]}})
    key_constraint = KeyConstraint(store, byte_vocabulary(), Constraint())
    text = "Marie Curie met Pierre"
    assert names_in(key_constraint.entities(text)) == {" Marie Curie"}
    store.asked.clear()
    assert names_in(key_constraint.entities(text + " Curie in Paris")) == {
        " Marie Curie",
        " Pierre Curie",
    }
    probed = {name for name, _ in store.asked}
    assert "Pierre Curie" in probed and "Marie Curie" not in probed
    store.asked.clear()
    key_constraint.entities(text + " Curie in Paris")
    assert not store.asked


def test_relations_are_the_entitys_own_under_every_name() -> None:
    """Synonyms count; what was given out or stands in the text does not."""
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"], "child": ["Irène", "Ève"]}})
    key_constraint = KeyConstraint(store, byte_vocabulary(), Constraint())
    found = names_in(key_constraint.relations("Marie Curie", "Marie Curie was", GivenOut())[0])
    assert {" birth place", " place of birth", " child"} <= found
    stated = names_in(
        key_constraint.relations("Marie Curie", "Marie Curie of Warsaw", GivenOut())[0]
    )
    assert " birth place" not in stated and " child" in stated
    part = names_in(
        key_constraint.relations("Marie Curie", "Marie Curie of Warsawa", GivenOut())[0]
    )
    assert " birth place" in part
    had = GivenOut(values={"marie curie": {"Irène"}})
    assert " child" in names_in(key_constraint.relations("Marie Curie", "", had)[0])
    had.values["marie curie"].add("Ève")
    assert " child" not in names_in(key_constraint.relations("Marie Curie", "", had)[0])
    keep = KeyConstraint(store, byte_vocabulary(), Constraint(skip_stated=False))
    assert " birth place" in names_in(keep.relations("Marie Curie", "Warsaw", GivenOut())[0])
    assert key_constraint.relations("Nobody", "", GivenOut()) == (None, frozenset())
    assert key_constraint.holder == ""


def test_a_vague_relation_that_the_entity_lacks_cannot_begin() -> None:
    """The model wants the type of what is a film: it is asked for what memory holds."""
    store = FakeStore({"casablanca": {"year": ["1942"]}, "oslo": {"type": ["city"], "y": ["x"]}})
    key_constraint = KeyConstraint(store, byte_vocabulary(), Constraint())
    trie, avoid = key_constraint.relations("Casablanca", "Casablanca is a", GivenOut())
    # With a token a byte every name begins with the same space, which the trie needs.
    assert trie is not None and not avoid
    decoder = make_decoder("Casablanca is a", may_look=True)
    for token in BYTES.encode(f"{E} Casablanca{R}"):
        decoder.sampled(token)
    letter = BYTES.tokenize(b"t", special=False)[0]
    decoder.guide(trie, frozenset({letter}))
    assert isinstance(decoder.action, Sample)
    assert letter not in allowed(decoder.action.choice)
    decoder.sampled(BYTES.tokenize(b"y", special=False)[0])
    assert isinstance(decoder.action, Sample)
    assert letter in allowed(decoder.action.choice)  # only the first token is kept out


def test_a_known_name_wins_over_one_that_was_made_up() -> None:
    """The model would drop part of the name; memory knows the one in the text."""
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    wrong = f"Marie Curie was born in{E} Marie{R} birth place{A}"
    right = f"Marie Curie was born in{E} Marie Curie{R} birth place{A} Warsaw{END} Warsaw."
    model = ScriptedModel(Continuations(wrong, right))
    free = run(model, store, "Marie Curie was", policy="stop").result
    assert [record.status for record in free.lookups] == ["miss"]
    # All that is not scripted has the same small probability: a floor of 0 always prefers.
    drawn = run(
        model, store, "Marie Curie was", policy="stop", constraint=Constraint(0.0, 0.0)
    ).result
    assert [(r.entity, r.value) for r in drawn.lookups] == [("Marie Curie", "Warsaw")]


def test_a_model_that_clearly_wants_another_relation_gets_its_miss() -> None:
    """The preference is soft: below the floor the model's own words are asked."""
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    text = f"Marie Curie was{E} Marie Curie{R} height{A}"
    model = ScriptedModel(Continuations(text))
    done = run(model, store, "Marie Curie was", policy="stop", constraint=Constraint()).result
    assert [(r.relation, r.status) for r in done.lookups] == [("height", "miss")]


def test_an_unknown_entity_is_asked_again_only_by_a_known_name() -> None:
    """`ask_again` after an unknown entity: the names of the text, or nothing."""
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    text = f"Marie Curie and Ada{E} Ada{R} birth place{A}"
    right = f"Marie Curie and Ada{E} Marie Curie{R} birth place{A} Warsaw{END} Warsaw."
    model = ScriptedModel(Continuations(text, right))
    done = run(
        model,
        store,
        "Marie Curie and",
        policy="ask_again",
        constraint=Constraint(0.5, 0.5, by_words=False),
    ).result
    assert [(r.entity, r.status) for r in done.lookups[:2]] == [
        ("Ada", "miss"),
        ("Marie Curie", "hit"),
    ]
    assert BYTES.encode(f"{A} Warsaw{END} Warsaw") in model.batches


class _NotingTokens(ByteTokens):
    """Notes what it is asked to tokenize."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        self.asked.append(text.decode())
        return super().tokenize(text, special=special)


def test_values_and_names_are_not_kept_when_a_text_is_over() -> None:
    """The next text tokenizes them anew, so what is erased is gone; relations are kept."""
    source = _NotingTokens()
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    scheduler = Scheduler(
        ScriptedModel(
            Continuations(f"{CURIE}{E} Marie Curie{R} birth place{A} Warsaw{END} Warsaw.")
        ),
        Vocabulary(source),
        as_store(store),
        is_fast=True,
        constraint=Constraint(0.0, 0.0),
        n_sequences=1,
    )
    seen: list[list[str]] = []
    for _ in range(2):
        source.asked.clear()
        asked = Asked(CURIE, text_settings({}, verbalise="copy", lookup_bias=0.0))
        scheduler.submit(asked)
        while scheduler.has_work:
            scheduler.step()
        assert asked.result.text == f"{CURIE} Warsaw."
        seen.append(list(source.asked))
    first, second = seen
    assert first.count(" Warsaw") == second.count(" Warsaw") == 1
    assert first.count(" Marie Curie") == second.count(" Marie Curie") == 1
    assert (first.count(" birth place"), second.count(" birth place")) == (1, 0)


def test_a_part_of_a_longer_name_is_no_path() -> None:
    """A model that writes of "The Magic Flute" must not ask for "Magic"."""
    store = FakeStore({"magic": {"x": ["y"]}, "the magic": {"x": ["y"]}, "war": {"x": ["y"]}})
    for text, names in [
        ("He composed The Magic Flute", set()),
        ("The Civil War was", set()),
        ("He composed Magic.", {" Magic"}),
        ("He composed The Magic.", {" The Magic", " Magic"}),
    ]:
        constraint = KeyConstraint(as_store(store), byte_vocabulary(), Constraint())
        assert names_in(constraint.entities(text)) == names, text
