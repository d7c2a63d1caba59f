"""Command-line scripts of the repository."""
