"""Standard output: a console for text, and JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any


def make_output(args: argparse.Namespace) -> Any:
    """Return the console for standard output that a command's options ask for."""
    from patchbot.report.text import make_console

    return make_console(sys.stdout, os.environ, plain=args.plain)


def print_json(document: Any) -> None:
    """Print a document of JSON values."""
    print(json.dumps(document, indent=1, ensure_ascii=True))
