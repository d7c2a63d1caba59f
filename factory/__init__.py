"""The factory: images in, described images out, each claim traced to its evidence."""
