import pytest

from eval.text import count_words, cut_to_words, lemma, sentences, singularize, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("The cat.", ["The", "cat", "."]),
        ("a man's well-known dog", ["a", "man", "'s", "well-known", "dog"]),
        ("It isn't 3.5 metres...", ["It", "is", "n't", "3.5", "metres", "..."]),
        ('"Stop," he said (twice)', ['"', "Stop", ",", '"', "he", "said", "(", "twice", ")"]),
        ("The man\u2019s hat", ["The", "man", "\u2019s", "hat"]),
    ],
)
def test_tokens_follow_the_treebank(text: str, tokens: list[str]) -> None:
    assert [token.text for token in tokenize(text)] == tokens


def test_tokens_and_sentences_know_their_place() -> None:
    text = "A red ball.  It's far away! Is it?\n\nYes"
    assert all(text[token.start : token.end] == token.text for token in tokenize(text))
    found = sentences(text)
    assert [sentence.text for sentence in found] == ["A red ball.", "It's far away!", "Is it?", "Yes"]
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in found)


def test_a_number_or_a_lower_case_word_ends_no_sentence() -> None:
    assert len(sentences("It is 3.5 m, approx. ten feet, wide. The rest is far.")) == 2


@pytest.mark.parametrize(
    ("plural", "as_in_chair"),
    [
        ("people", "person"), ("women", "woman"), ("buses", "bus"), ("skis", "ski"), ("benches", "bench"),
        ("knives", "knife"), ("bus", "bu"), ("ties", "ty"), ("glasses", "glass"), ("glass", "glas"),
        ("sheep", "sheep"), ("dog", "dog"), ("scissors", "scissors"), ("puppies", "puppy"),
    ],
)  # fmt: skip
def test_singularize_keeps_the_first_implementations_faults(plural: str, as_in_chair: str) -> None:
    assert singularize(plural) == as_in_chair


@pytest.mark.parametrize(
    ("word", "dictionary"),
    [
        ("people", "people"), ("women", "woman"), ("buses", "bus"), ("bus", "bus"), ("ties", "tie"),
        ("glasses", "glass"), ("glass", "glass"), ("benches", "bench"), ("puppies", "puppy"), ("skis", "ski"),
        ("scissors", "scissors"), ("its", "its"), ("boxes", "box"), ("houses", "house"), ("dog", "dog"),
    ],
)  # fmt: skip
def test_lemma_gives_dictionary_forms(word: str, dictionary: str) -> None:
    assert lemma(word) == dictionary


def test_words_are_counted_without_punctuation() -> None:
    assert count_words("A man's well-known dog, 3 years old.") == 7
    assert count_words("...") == 0


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (0, "One two."),  # at least one sentence
        (2, "One two."),
        (3, "One two."),  # 2 and 5 are 1 and 2 away
        (4, "One two. Three four five."),
        (99, "One two. Three four five. Six."),
    ],
)
def test_a_text_is_cut_to_the_nearest_whole_sentence(words: int, kept: str) -> None:
    assert cut_to_words("One two. Three four five. Six.", words) == kept
    assert cut_to_words("", words) == ""
