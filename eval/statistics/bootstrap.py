"""Resampling of images: each is drawn with all its counts, so figures that share it move together."""

from collections.abc import Iterator

import numpy as np

from eval.tally import Matrix

_MAX_DRAWS_AT_ONCE = 4_000_000


def resampled_sums(counts: Matrix, resamples: int, seed: int) -> Matrix:
    """Return the column sums of bootstrap samples of the rows.

    `counts` is (n_images, n_columns); the result is (resamples, n_columns). The same seed, number of images
    and number of resamples draw the same images, so two calls on aligned counts of two runs are paired.
    """
    return np.concatenate([weights @ counts for weights in _weights(len(counts), resamples, seed)])


def _weights(n_images: int, resamples: int, seed: int) -> Iterator[Matrix]:
    """Yield how often each image is drawn, (chunk, n_images), in chunks that fit in memory."""
    rng = np.random.default_rng(seed)
    chunk = max(1, _MAX_DRAWS_AT_ONCE // n_images)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(0, n_images, size=(size, n_images))  # (size, n_images), image drawn at each turn
        rows = np.arange(size)[:, None] * n_images
        flat = np.bincount((drawn + rows).ravel(), minlength=size * n_images)
        yield flat.reshape(size, n_images).astype(np.float64)


def percentile_interval(replicates: Matrix) -> tuple[float, float]:
    """Return the central 95 % of the replicates, (n,)."""
    low, high = np.percentile(replicates, (2.5, 97.5))
    return (float(low), float(high))


def two_sided_p(differences: Matrix) -> float:
    """Return the two-sided p that the difference is zero, from its replicates, (n,); never below 1/(n+1)."""
    below = int(np.sum(differences <= 0)) + 1
    above = int(np.sum(differences >= 0)) + 1
    return min(1.0, 2 * min(below, above) / (len(differences) + 1))
