"""Seed faults into Debian's kernel sources and count what the rules find.

    python -m tools.seed_faults [--tree 6.12] [--rule NAME] [--show]

Needs the packages linux-source-6.1 and linux-source-6.12. Exits with 1 where a seed is missed, or
where a rule has no seed at all.
"""

from __future__ import annotations

import argparse
import sys

from tools.seeding.faults import SEEDERS
from tools.seeding.score import render, score
from tools.seeding.trees import VERSIONS


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--tree", action="append", choices=VERSIONS, help="default: all")
    parser.add_argument("--rule", action="append", choices=list(SEEDERS), help="default: all")
    parser.add_argument("--show", action="store_true", help="list what was missed")
    args = parser.parse_args()
    scores = []
    for version in args.tree or VERSIONS:
        for rule in args.rule or SEEDERS:
            scores.append(
                score(rule, version, lambda t: print(f"\r{t}   ", end="", file=sys.stderr))
            )
    print(file=sys.stderr)
    print(render(scores))
    for each in scores if args.show else ():
        for seed in each.missed:
            print(f"missed: {each.version} {seed.path}:{seed.line} {seed.function}: {seed.variant}")
    return int(any(each.missed or not each.total for each in scores))


if __name__ == "__main__":
    sys.exit(main())
