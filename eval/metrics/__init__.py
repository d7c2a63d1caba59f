"""Metrics: what an image's text counts, and the formulas over those counts."""
