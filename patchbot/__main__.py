"""Run patchbot as `python -m patchbot`."""

import sys

from patchbot.cli import main

if __name__ == "__main__":
    sys.exit(main())
