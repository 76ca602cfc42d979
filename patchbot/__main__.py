"""The entry point: `patchbot`, and `python -m patchbot`. Ctrl-C counts from the first import on."""

import sys

INTERRUPTED = 130


def run() -> int:
    """Run the command line and return its exit code."""
    try:
        from patchbot.cli import main

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())
