"""Dictionary forms of nouns by rule, for words that are plural in form."""

from eval.text.listing import words

_IRREGULAR = {
    "skis": "ski", "taxis": "taxi", "men": "man", "women": "woman", "children": "child",
    "feet": "foot", "teeth": "tooth",
    "geese": "goose", "mice": "mouse", "oxen": "ox", "calves": "calf", "knives": "knife",
    "loaves": "loaf", "leaves": "leaf", "shelves": "shelf", "wolves": "wolf", "halves": "half",
    "scarves": "scarf", "thieves": "thief", "lives": "life", "wives": "wife", "hooves": "hoof",
    "buses": "bus", "ties": "tie", "pies": "pie", "movies": "movie", "cookies": "cookie",
    "collies": "collie", "calories": "calorie", "selfies": "selfie", "hoodies": "hoodie",
    "beanies": "beanie", "doggies": "doggie", "zombies": "zombie", "shoes": "shoe", "canoes": "canoe",
    "toes": "toe", "houses": "house", "vases": "vase", "horses": "horse", "purses": "purse",
    "nurses": "nurse", "noses": "nose", "roses": "rose", "hoses": "hose", "cases": "case",
    "suitcases": "suitcase", "briefcases": "briefcase", "axes": "axe", "gases": "gas", "lenses": "lens",
}  # fmt: skip

_UNCHANGED = frozenset(
    words("""
        bus glass gas lens plus minus cactus octopus virus campus status canvas scissors jeans pants
        shorts trousers sunglasses binoculars headphones species series news people sheep deer fish
        cattle its his this is was has us always perhaps across towards
    """)
)

_REPLACED_ENDINGS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z"))
_IN_OES = frozenset({"potatoes", "tomatoes", "heroes", "echoes", "mangoes", "buffaloes", "torpedoes"})
_SHORTEST = 3


def lemma(word: str) -> str:
    """Return the dictionary form of a lower-case noun: `buses` gives `bus`, and `bus` stays."""
    if word in _UNCHANGED or len(word) <= _SHORTEST:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("men") and not word.endswith(("specimen", "acumen", "abdomen", "stamen", "omen")):
        return word[:-2] + "an"
    return _by_ending(word)


def _by_ending(word: str) -> str:
    if word in _IN_OES:
        return word[:-2]
    for ending, replacement in _REPLACED_ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + replacement
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
