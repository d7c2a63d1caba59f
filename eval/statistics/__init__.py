"""How sure a figure is: intervals for one run, differences and tests for two.

- `wilson`: interval of a plain rate
- `bootstrap`: images resampled with all that belongs to them (cluster bootstrap), alone or paired
- `mcnemar`: exact test on paired yes/no outcomes
- `estimate`: formulas and tallies to figures and differences
"""

from eval.statistics.estimate import DEFAULT_RESAMPLES, Resampling, difference, estimate
from eval.statistics.mcnemar import mcnemar_exact
from eval.statistics.wilson import wilson

__all__ = ["DEFAULT_RESAMPLES", "Resampling", "difference", "estimate", "mcnemar_exact", "wilson"]
