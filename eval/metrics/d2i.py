"""D2I-Bench (Pi et al. 2024): how much an image drawn from a description looks like the original.

    <encoder>_similarity   mean cosine of image features of the original and the drawn image, in [-1, 1]

Similarities are averaged over the seeds of an image first, so that `n` counts images.
"""

from eval.formula import Formula, Ratio


def columns(encoders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the counts of a D2I tally."""
    return ("images", *(f"{encoder}_similarity" for encoder in encoders))


def formulas(of_columns: tuple[str, ...]) -> tuple[Formula, ...]:
    """Return the mean similarity by each encoder of a tally."""
    return tuple(
        Ratio(name, {name: 1}, {"images": 1}, "no image was drawn", is_rate=False)
        for name in of_columns
        if name != "images"
    )
