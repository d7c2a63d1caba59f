"""`python -m factory`."""

import sys

from factory.cli import main

if __name__ == "__main__":  # the processes that run stages import this module too
    sys.exit(main(sys.argv[1:]))
