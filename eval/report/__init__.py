"""The report: one self-contained page that shows the figures and the descriptions behind them."""

from eval.report.page import Inputs, render

__all__ = ["Inputs", "render"]
