"""Word mover's distance (Kusner et al. 2015) as DID-Bench scores it: exp(-distance), the best over the references.

Words are split at spaces, case and punctuation kept, and function words left out; a text without any known word has
the score 0.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from math import exp, isfinite
from pathlib import Path
from typing import Any

from eval.errors import InputError
from eval.text.listing import words

_STOP_WORDS = frozenset(
    words("""
        i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
        it its itself they them their theirs themselves what which who whom this that these those am is are was were be
        been being have has had having do does did doing a an the and but if or because as until while of at by for
        with about against between into through during before after above below to from up down in out on off over
        under again further then once here there when where why how all any both each few more most other some such no
        nor not only own same so than too very s t can will just don should now
    """)
)


def wmd_scores(
    texts: Mapping[str, str], references: Mapping[str, Sequence[str]], vectors: str
) -> dict[str, float]:
    """Return the score of each image, in [0, 1]; `vectors` is a word2vec file, binary if it ends in .bin.

    Raises:
        InputError: gensim or the vectors are missing.
    """
    model = _load(vectors)
    return {key: max(_score(model, texts[key], reference) for reference in references[key]) for key in texts}


def _load(vectors: str) -> Any:
    if not Path(vectors).is_file():
        raise InputError(f"no word vectors at {vectors}")
    try:
        keyed = import_module("gensim.models").KeyedVectors
        return keyed.load_word2vec_format(vectors, binary=vectors.endswith((".bin", ".bin.gz")))
    except ImportError as error:
        raise InputError(f"WMD needs gensim and POT ({error}): pip install gensim POT") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{vectors} holds no word2vec vectors: {error}") from None


def _score(model: Any, first: str, second: str) -> float:
    sides = [[word for word in text.split(" ") if word not in _STOP_WORDS] for text in (first, second)]
    distance = float(model.wmdistance(*sides))
    return exp(-distance) if isfinite(distance) else 0.0
