"""Property tests of the factory: the same examples every time, and no stopwatch on a busy machine."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")
