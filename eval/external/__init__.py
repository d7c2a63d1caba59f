"""Metrics that need programs or vectors of others, each by an explicit local path: METEOR, SPICE, WMD."""
