"""Evaluation of image descriptions: are they true, how much do they say, and how sure are we.

Reads files (captions, answers, truth, datasets), or runs a model to make them, and writes figures that carry
their count and their interval. Scoring needs no model and imports no deep-learning library.
"""
