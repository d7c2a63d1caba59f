"""How sure a figure is: intervals for one run, differences and tests for two.

- `wilson`: interval of a plain rate
- `bootstrap`: images resampled with all that belongs to them (cluster bootstrap), alone or paired
- `mcnemar`: exact test on paired yes/no outcomes
- `holm`: correction for several figures at once
- `power`: which difference this many images can show
- `estimate`: formulas and tallies to figures and differences
"""

from eval.statistics.estimate import DEFAULT_RESAMPLES, Resampling, correct, difference, estimate
from eval.statistics.holm import holm
from eval.statistics.mcnemar import mcnemar_exact
from eval.statistics.power import images_needed
from eval.statistics.wilson import wilson

__all__ = [
    "DEFAULT_RESAMPLES",
    "Resampling",
    "correct",
    "difference",
    "estimate",
    "holm",
    "images_needed",
    "mcnemar_exact",
    "wilson",
]
