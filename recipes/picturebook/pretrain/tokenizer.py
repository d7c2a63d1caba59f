"""A byte-level BPE tokenizer of the picture book's words; any other text falls into bytes and comes back unchanged."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, EOS, IMAGE = "<pad>", "</s>", "<image>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}USER: "
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{% else %} ASSISTANT: "
    "{% if message.content is string %}{{ message.content }}{% else %}{{ message.content[0].text }}{% endif %}</s>"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
"""The text every small chat model was taught: `USER: <image>\\n{question} ASSISTANT: {answer}</s>`."""


def train_tokenizer(corpus: Iterable[str], max_length: int) -> PreTrainedTokenizerFast:
    """Learn the merges of a corpus; every frequent word of it becomes one token."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640,
        min_frequency=20,
        special_tokens=[PAD, EOS, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=EOS,
        extra_special_tokens={"image_token": IMAGE},
        model_max_length=max_length,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def kept_tokenizer(folder: Path, learn: Callable[[], PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    """Return the tokenizer kept in a folder, learned and put there the first time.

    A run that is resumed after its texts were changed would learn another one, and its weights be worth nothing.
    """
    if not (folder / "tokenizer.json").exists():
        learn().save_pretrained(folder)
    kept: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return kept
