"""Token ids and labels: the supervised span is the answer and its end, and nothing else."""

import pytest
from PIL import Image

from train.chat import IGNORED_LABEL, Chat, Encoded, Turn, pick_prompt
from train.error import DataError, Unusable
from train.reader import Reader
from train.recipe import TemplateConfig, TrainRecipe

QUESTION = "Describe this image in detail."
ANSWER = "A red square is on the left. It is large."


@pytest.fixture
def chat(reader: Reader, recipe: TrainRecipe) -> Chat:
    return reader.chat(recipe)


def supervised(reader: Reader, encoded: Encoded) -> str:
    text: str = reader.tokenizer.decode([label for label in encoded.labels if label != IGNORED_LABEL])
    return text


def test_labels_decode_to_the_answer_and_its_end(chat: Chat, reader: Reader) -> None:
    encoded = chat.encode([Turn(QUESTION, ANSWER)], has_image=True)
    assert supervised(reader, encoded).lstrip(" ") == ANSWER + "</s>"
    assert encoded.labels[-1] == reader.tokenizer.eos_token_id


def test_the_whole_text_is_the_template_filled_in(chat: Chat, reader: Reader) -> None:
    encoded = chat.encode([Turn(QUESTION, ANSWER)], has_image=True)
    image = "<image>" * reader.image_tokens
    assert reader.tokenizer.decode(encoded.ids) == f"USER: {image}\n{QUESTION} ASSISTANT: {ANSWER}</s>"


def test_prompt_ids_are_those_that_inference_makes(chat: Chat, reader: Reader) -> None:
    encoded = chat.encode([Turn(QUESTION, ANSWER)], has_image=True)
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}
    text = reader.processor.apply_chat_template([message], add_generation_prompt=True)
    assert text == chat.prompt(QUESTION, has_image=True)
    image = Image.new("RGB", (40, 30))
    asked = reader.processor(text=text, images=image)["input_ids"][0]
    assert list(encoded.ids[: encoded.spans[0][0]]) == asked


def test_the_chat_template_ends_answers_as_training_did(chat: Chat, reader: Reader) -> None:
    turns = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "A square."}]
    text = reader.processor.apply_chat_template(turns)
    encoded = chat.encode([Turn("What?", "A square.")], has_image=False)
    assert reader.tokenizer.decode(encoded.ids) == text == "USER: What? ASSISTANT: A square.</s>"


def test_every_answer_of_a_conversation_is_supervised_and_no_question(chat: Chat, reader: Reader) -> None:
    encoded = chat.encode([Turn("Colour?", "Red."), Turn("Shape?", "Square.")], has_image=True)
    assert supervised(reader, encoded) == " Red.</s> Square.</s>"
    assert encoded.ids.count(reader.image_token_id) == reader.image_tokens


def test_vicuna_is_the_default_text(reader: Reader, recipe: TrainRecipe) -> None:
    chat = reader.chat(recipe.model_copy(update={"template": TemplateConfig()}))
    assert chat.prompt(QUESTION, has_image=True) == (
        "A chat between a curious user and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the user's questions. "
        "USER: <image>\nDescribe this image in detail. ASSISTANT:"
    )


def test_a_long_answer_is_cut_at_the_end_of_a_sentence_and_still_ends(chat: Chat, reader: Reader) -> None:
    whole = chat.encode([Turn(QUESTION, ANSWER * 3)], has_image=True)
    short = Chat(chat.tokenizer, chat.template, chat.image_token, chat.image_tokens, len(whole.ids) - 1)
    encoded = short.encode([Turn(QUESTION, " ".join([ANSWER] * 3))], has_image=True)
    text = supervised(reader, encoded)
    assert encoded.cut and text.endswith(".</s>")
    assert " ".join([ANSWER] * 3).startswith(text.strip().removesuffix("</s>"))


def test_as_many_sentences_stay_as_fit(chat: Chat) -> None:
    answers = [" ".join(["It is large."] * n) for n in range(1, 8)]
    lengths = [len(chat.encode([Turn(QUESTION, answer)], True).ids) for answer in answers]
    for room, length in zip(lengths, lengths, strict=True):
        limited = Chat(chat.tokenizer, chat.template, chat.image_token, chat.image_tokens, room)
        assert len(limited.encode([Turn(QUESTION, answers[-1])], True).ids) == length


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        (Turn(QUESTION, ""), "empty_answer"),
        (Turn(QUESTION, "  \n"), "empty_answer"),
        (Turn("<image> What?", ANSWER), "image_token_in_text"),  # would take another sample's features
        (Turn(QUESTION, "An <image>."), "image_token_in_text"),
        (Turn(QUESTION, "Red.</s> More."), "end_token_in_text"),
        (Turn(QUESTION, "long " * 2000), "too_long"),  # one sentence, nothing to cut
    ],
)
def test_what_cannot_be_supervised_is_refused_with_a_reason(chat: Chat, turn: Turn, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        chat.encode([turn], has_image=True)


def test_a_tokenizer_that_adds_a_start_token_adds_exactly_one(reader: Reader, recipe: TrainRecipe) -> None:
    class Starting:
        eos_token_id, bos_token_id = reader.tokenizer.eos_token_id, 7

        def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
            ids = reader.tokenizer(text, add_special_tokens=False)["input_ids"]
            return {"input_ids": [7, *ids, self.eos_token_id] if add_special_tokens else ids}

    chat = Chat(Starting(), recipe.template, "<image>", 4, 512)
    encoded = chat.encode([Turn("Colour?", "Red."), Turn("Shape?", "Square.")], has_image=True)
    assert encoded.ids[0] == 7 and encoded.ids.count(7) == 1
    assert encoded.ids.count(reader.tokenizer.eos_token_id) == 2


def test_an_end_token_that_the_tokenizer_does_not_know_is_refused(
    reader: Reader, recipe: TrainRecipe
) -> None:
    template = recipe.template.model_copy(update={"eos": "<|end|>"})
    with pytest.raises(DataError, match="end-of-sequence"):
        Chat(reader.tokenizer, template, "<image>", 4, 512)


def test_prompts_are_spread_and_depend_on_seed_and_id_alone() -> None:
    prompts = ["a", "b", "c"]
    picks = [pick_prompt(prompts, 0, str(i)) for i in range(300)]
    assert picks == [pick_prompt(prompts, 0, str(i)) for i in range(300)]
    assert all(70 < picks.count(prompt) < 130 for prompt in prompts)
    assert picks != [pick_prompt(prompts, 1, str(i)) for i in range(300)]
