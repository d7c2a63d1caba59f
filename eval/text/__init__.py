"""English on its surface: tokens, sentences and noun forms, without corpora or models."""

from eval.text.lemma import lemma
from eval.text.sentences import Sentence, count_words, cut_to_words, sentences
from eval.text.singular import singularize
from eval.text.tokens import Token, tokenize

__all__ = [
    "Sentence",
    "Token",
    "count_words",
    "cut_to_words",
    "lemma",
    "sentences",
    "singularize",
    "tokenize",
]
