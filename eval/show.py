"""Figures as plain text."""

from collections.abc import Mapping

from eval.figure import Difference, Figure


def table(figures: Mapping[str, Figure | Difference]) -> str:
    """Return one line per figure: name, value, interval, n, and the reason of what is undefined."""
    width = max((len(name) for name in figures), default=0)
    return "\n".join(f"{name:<{width}}  {line(figure)}" for name, figure in figures.items())


def line(figure: Figure | Difference) -> str:
    """Return a figure as `0.128  [0.113, 0.142]  n=3739`."""
    value = "-" if figure.value is None else f"{figure.value:.4f}"
    interval = "" if figure.ci95 is None else f"[{figure.ci95[0]:.4f}, {figure.ci95[1]:.4f}]"
    p = f"  p={figure.p:.4f}" if isinstance(figure, Difference) and figure.p is not None else ""
    if isinstance(figure, Difference) and figure.p_holm is not None:
        p += f"  p_holm={figure.p_holm:.4f}"
    reason = f"  ({figure.reason})" if figure.reason else ""
    return f"{value:>9}  {interval:<20}  n={figure.n}{p}{reason}"
