"""Singular forms by the rules that CHAIR's first implementation used (those of pattern.en), faults included.

The faults matter: published figures were counted with them. `bus` becomes `bu` and is lost, `ties` becomes
`ty`.
"""

import re

from eval.text.listing import words

_SINGULAR_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(.)ae$", r"\1a"),
        (r"(.)itis$", r"\1itis"),
        (r"(.)eaux$", r"\1eau"),
        (r"(quiz)zes$", r"\1"),
        (r"(matr)ices$", r"\1ix"),
        (r"(ap|vert|ind)ices$", r"\1ex"),
        (r"^(ox)en", r"\1"),
        (r"(alias|status)es$", r"\1"),
        (r"([octop|vir])i$", r"\1us"),
        (r"(cris|ax|test)es$", r"\1is"),
        (r"(shoe)s$", r"\1"),
        (r"(o)es$", r"\1"),
        (r"(bus)es$", r"\1"),
        (r"([m|l])ice$", r"\1ouse"),
        (r"(x|ch|ss|sh)es$", r"\1"),
        (r"(m)ovies$", r"\1ovie"),
        (r"(.)ombies$", r"\1ombie"),
        (r"(s)eries$", r"\1eries"),
        (r"([^aeiouy]|qu)ies$", r"\1y"),
        (r"([aeo]l)ves$", r"\1f"),
        (r"([^d]ea)ves$", r"\1f"),
        (r"arves$", r"arf"),
        (r"erves$", r"erve"),
        (r"([nlw]i)ves$", r"\1fe"),
        (r"([lr])ves$", r"\1f"),
        (r"([aeo])ves$", r"\1ve"),
        (r"(sive)s$", r"\1"),
        (r"(tive)s$", r"\1"),
        (r"(hive)s$", r"\1"),
        (r"([^f])ves$", r"\1fe"),
        (r"(^analy)ses$", r"\1sis"),
        (r"(analy|ba|diagno|parenthe|progno|synop|the)ses$", r"\1sis"),
        (r"(.)opses$", r"\1opsis"),
        (r"(.)yses$", r"\1ysis"),
        (r"(h|d|r|o|n|b|cl|p)oses$", r"\1ose"),
        (r"(fruct|gluc|galact|lact|ket|malt|rib|sacchar|cellul)ose$", r"\1ose"),
        (r"(.)oses$", r"\1osis"),
        (r"([ti])a$", r"\1um"),
        (r"(n)ews$", r"\1ews"),
        (r"s$", r""),
    )
)

_UNCHANGED = frozenset(
    words("""
        bison bream breeches britches carp chassis clippers cod contretemps corps debris diabetes
        djinn eland elk flounder gallows graffiti headquarters herpes high-jinks homework innings
        jackanapes mackerel measles mews mumps news pincers pliers proceedings rabies salmon
        scissors series shears species swine swiss trout tuna whiting wildebeest advice bread butter
        cheese electricity equipment fruit furniture garbage gravel happiness information ketchup
        knowledge love luggage mathematics mayonnaise meat mustard news progress research rice sand
        software understanding water
    """)
)

# words whose singular ends in -ie; suffixes, so that "doggies" and "hot-doggies" both find "doggie"
_IE_SINGULARS = tuple(
    words("""
        auntie beanie birdie bogie bombie bookie collie cookie cutie doggie eyrie freebie goonie
        groupie hankie hippie hoagie hottie indie junkie laddie laramie lingerie meanie nightie
        oldie pixie quickie reverie rookie softie sortie stoolie sweetie techie toughie valkyrie
        veggie weirdie yuppie zombie
    """)
)

_IRREGULAR = {
    "beefs": "beef", "beeves": "beef", "brethren": "brother", "children": "child", "corpora": "corpus",
    "ephemerides": "ephemeris", "genera": "genus", "genies": "genie", "genii": "genie", "hoofs": "hoof",
    "hooves": "hoof", "kine": "cow", "kin": "kin", "loaves": "loaf", "men": "man", "moneys": "money",
    "mongooses": "mongoose", "mythoi": "mythos", "octopodes": "octopus", "opera": "opus", "people": "person",
    "sexes": "sex", "swine": "swine", "soliloquies": "soliloquy", "testes": "testis", "trilbys": "trilby",
    "turfs": "turf", "numena": "numen", "occipita": "occiput",
}  # fmt: skip


def singularize(word: str) -> str:
    """Return the singular of a lower-case noun as pattern.en would, right or wrong.

    Endings are looked up, so `women` and `policemen` follow `men`.
    """
    if word in _UNCHANGED or word.rpartition("-")[2] in _UNCHANGED:
        return word
    for ending in _IE_SINGULARS:
        if word.endswith(ending + "s"):
            return word[:-1]
    for plural, singular in _IRREGULAR.items():
        if word.endswith(plural):
            return word[: -len(plural)] + singular
    return _by_rule(word)


def _by_rule(word: str) -> str:
    for pattern, replacement in _SINGULAR_RULES:
        if pattern.search(word):
            return pattern.sub(replacement, word)
    return word
