"""Exercises of the small Llama have one right answer, which follows from the prompt."""

import json

from recipes.picturebook.pretrain.texts import entities_of, exercise


def test_the_same_seed_is_the_same_exercise() -> None:
    assert [exercise(seed) for seed in range(20)] == [exercise(seed) for seed in range(20)]


def test_an_extraction_is_a_json_list_of_phrases_of_its_text() -> None:
    found = [exercise(seed) for seed in range(200)]
    extractions = [e for e in found if e.prompt.startswith("Entities: ")]
    assert len(extractions) > 40
    for prompt, answer in extractions:
        for phrase in json.loads(answer):
            assert phrase.split()[-1] in prompt.lower()


def test_a_rewrite_has_its_opening_and_one_numbered_sentence_per_fact() -> None:
    rewrites = [e for e in (exercise(seed) for seed in range(200)) if e.prompt.startswith("Draft: ")]
    assert len(rewrites) > 80
    for prompt, answer in rewrites:
        facts = [line for line in prompt.split("Facts:")[1].splitlines() if line]
        opening, *sentences = answer.splitlines()
        assert opening.endswith(".")
        assert [s.split(". ")[0] for s in sentences] == [f.split(". ")[0] for f in facts]


def test_what_a_rewrite_names_is_what_the_facts_name() -> None:
    for seed in range(200):
        prompt, answer = exercise(seed)
        if prompt.startswith("Draft: "):
            facts = prompt.split("Facts:")[1]
            assert set(entities_of(answer)) == set(entities_of(facts))


def test_entities_are_singular_keep_their_colour_and_stand_once() -> None:
    text = "Two red buses and a bench. The bench is next to a red bus and an elephant."
    assert entities_of(text) == ["red bus", "bench"]
