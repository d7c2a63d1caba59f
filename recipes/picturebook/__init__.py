"""The picture book: a small drawn world with known truth, in which the whole loop is real."""
