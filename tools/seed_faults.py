"""Seeds faults into Debian's kernel sources, and prints how many of them the rules find.

    python -m tools.seed_faults                                 every rule, every version
    python -m tools.seed_faults --tree 6.12 --rule lock-order --show
    python -m tools.seed_faults --clean                         the unmodified sources

A tree is a version whose package linux-source-VERSION is installed, or a folder with kernel
sources. Ends with 1 where the seeds that are missed are not those of tests/data/missed_seeds.toml,
a variant found no place, or the findings in the unmodified sources are not those of
tests/data/accepted_findings.toml.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from collections.abc import Sequence

from patchbot_checks import RULES

from tools.seeding.kernel import VERSIONS, Tree, is_here, open_tree, package
from tools.seeding.score import Hit, Outcome, Scorer, barren, seeded_rules, seeds_of
from tools.seeding.table import count, render, render_variants
from tools.seeding.written import compare_findings, compare_missed


def run_seeds(tree: Tree, rules: Sequence[str], args: argparse.Namespace) -> list[Outcome]:
    """Seed and check a tree, with a line for each rule on standard error."""
    scorer = Scorer(tree, sorted(RULES) if args.all_rules else None)
    found: list[Outcome] = []
    for rule in rules:
        start = time.monotonic()
        seeds = seeds_of(tree, rule, args.variant, args.all_seeds)
        found += [scorer.score(seed) for seed in seeds]
        seconds = time.monotonic() - start
        print(f"{tree.name} {rule}: {len(seeds)} seeds, {seconds:.1f} s", file=sys.stderr)
    return found


def show(outcome: Outcome, tree: Tree) -> None:
    """Print a seed: what was changed, and what was found."""
    seed = outcome.seed
    print(f"\n{outcome.hit}: {seed.rule} {seed.where}")
    old = (tree.sources.read(seed.path) or b"").decode("utf-8", "replace").splitlines()
    new = seed.data.decode("utf-8", "replace").splitlines()
    for line in list(difflib.unified_diff(old, new, lineterm="", n=4))[2:]:
        print(f"    {line}")
    for finding in outcome.found:
        print(f"    found: {finding.line}: {finding.function}: {finding.message}")
    for finding in outcome.extra:
        print(f"    extra: {finding.line}: {finding.function}: {finding.message} [{finding.rule}]")


def report_seeds(trees: Sequence[Tree], rules: Sequence[str], args: argparse.Namespace) -> bool:
    """Print the table, and where it is not as written down; returns whether all is well."""
    found: list[Outcome] = []
    for tree in trees:
        of_tree = run_seeds(tree, rules, args)
        for outcome in of_tree if args.show else ():
            if outcome.hit is not Hit.LINE or outcome.extra:
                show(outcome, tree)
        found += of_tree
    print(f"\n{render_variants(found)}\n\n{render(count(found))}\n")
    lines = [
        f"seeds nothing in any of these trees: {rule} {name}"
        for rule in rules
        for name in barren(found, rule, args.variant)
    ]
    for tree in trees:
        lines += compare_missed(tree.name, found)
    print("\n".join(lines) or "missed are the seeds that are written down, and no others")
    return not lines


def report_clean(trees: Sequence[Tree], rules: Sequence[str]) -> bool:
    """Print where the unmodified sources and the accepted findings differ."""
    lines = [line for tree in trees for line in compare_findings(tree, rules)]
    print("\n".join(lines) or "the unmodified sources give what is accepted, and nothing else")
    return not lines


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.seed_faults", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--tree", action="append", help="a version, or a folder; again for more")
    parser.add_argument("--rule", action="append", help="a rule; again for more; all by default")
    parser.add_argument("--variant", action="append", default=[], help="a variant; again for more")
    parser.add_argument("--show", action="store_true", help="show what was not found at its line")
    parser.add_argument("--all-seeds", action="store_true", help="not only some of each variant")
    parser.add_argument("--all-rules", action="store_true", help="count other rules' findings too")
    parser.add_argument("--clean", action="store_true", help="check the unmodified sources")
    return parser.parse_args()


def main() -> int:
    """Run the command; returns its exit code."""
    args = parse_args()
    names = args.tree or [version for version in VERSIONS if is_here(version)]
    if not names:
        print(f"no sources: apt-get install {' '.join(map(package, VERSIONS))}", file=sys.stderr)
        return 2
    known = sorted(RULES) if args.clean else seeded_rules()
    rules = args.rule or known
    if unknown := [rule for rule in rules if rule not in known]:
        print(f"no such rule: {', '.join(unknown)}", file=sys.stderr)
        return 2
    try:
        trees = [open_tree(name) for name in names]
    except OSError as error:
        print(f"no sources: {error}", file=sys.stderr)
        return 2
    good = report_clean(trees, rules) if args.clean else report_seeds(trees, rules, args)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
