"""The rules over fs/ext4 and fs/jbd2, against bare parsing; and one rule against spatch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import tree_sitter_c
from patchbot_checks import RULES, check_files, program
from tree_sitter import Language, Parser

from benchmarks.timing import measure, report, say
from patchbot.check import check_paths
from patchbot.demo import find_mbox, make_base_repository
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.static.commits import check_commits
from patchbot.tree import open_tree
from tools.seeding.kernel import Overlay, Tree, unpack
from tools.seeding.kernel import open_tree as open_sources
from tools.seeding.model import JOURNAL, Seed
from tools.seeding.score import seeds_of

_VERSION = "6.12"
_RULE = "range-start-not-page-offset"
_COCCI = Path(__file__).with_name("range_start.cocci")


def run(folder: Path) -> None:
    """Print the ratios."""
    _review(folder / "tree")
    try:
        sources = open_sources(_VERSION)
    except FileNotFoundError as error:
        say(f"not measured: {error}")
        return
    _whole(sources)
    _against_spatch(sources, folder)


def _whole(tree: Tree) -> None:
    """All rules, and each rule, against parsing the same files once."""
    say(f"checking fs/ext4 and fs/jbd2 of {_VERSION} with every rule")
    sources, paths = tree.sources, tree.list_code(JOURNAL)
    texts = [sources.read(path) or b"" for path in paths]
    parser = Parser(Language(tree_sitter_c.language()))
    bare = measure(lambda _: [parser.parse(text) for text in texts], 3)
    for rule in (None, *RULES):
        program._parsed.clear()
        start = time.perf_counter()
        check_files(sources, paths, None if rule is None else [rule])
        taken = time.perf_counter() - start
        report(rule or "all rules, fs/ext4 + fs/jbd2", taken, "bare parsing", bare)
    folders = [unpack(_VERSION) / folder for folder in JOURNAL]
    start = time.perf_counter()
    check_paths(folders, None, say, lambda: None)
    taken = time.perf_counter() - start
    report(f"the same with {os.cpu_count()} processes", taken, "bare parsing", bare)


def _review(tree: Path) -> None:
    """Check a revision of three patches, against applying nothing but parsing nothing twice."""
    make_base_repository(tree)
    repository = open_tree(tree)
    base = repository.resolve_commit("HEAD") or ""
    from patchbot.apply import apply_patches
    from patchbot.git import make_scratch

    series = build_series(Mails(read_source(find_mbox("page-protect-v3.mbox"))))
    revision = series[0].revisions[0]
    scratch = make_scratch(repository, tree.parent / "scratch")
    commits = apply_patches(scratch, base, revision.patches).commits
    scratch.publish(commits, base, {"refs/patchbot/bench": commits[-1]})
    seconds = measure(lambda _: check_commits(repository, base, commits), 3)
    again = measure(
        lambda _: [check_commits(repository, c, [c2]) for c, c2 in _pairs(base, commits)], 3
    )
    report(f"{len(commits)} patches, relative to the base", seconds, "each patch by itself", again)


def _pairs(base: str, commits: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip([base, *commits], commits, strict=False))


def _against_spatch(tree: Tree, folder: Path) -> None:
    """The same rule for spatch: the time over one file, and what each finds of the seeds."""
    spatch = shutil.which("spatch")
    if spatch is None:
        say("not measured: spatch is not here: apt-get install coccinelle")
        return
    seeds = seeds_of(tree, _RULE)
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = [0.0, 0], [0.0, 0]
    for seed in seeds:
        start = time.perf_counter()
        found = check_files(Overlay(tree.sources, {seed.path: seed.data}), [seed.path], [_RULE])
        ours[0] += time.perf_counter() - start
        ours[1] += any(f.line in seed.lines for f in found.findings)
        start = time.perf_counter()
        theirs[1] += bool(_run_spatch(spatch, seed, folder).intersection(seed.lines))
        theirs[0] += time.perf_counter() - start
    report(f"{_RULE}, {len(seeds)} files", ours[0], "the same for spatch", theirs[0])
    print(f"  of {len(seeds)} seeds: {ours[1]} found here, {theirs[1]} by spatch")


def _run_spatch(spatch: str, seed: Seed, folder: Path) -> set[int]:
    path = folder / "seeded.c"
    path.write_bytes(seed.data)
    argv = [spatch, "--very-quiet", "-D", "report", "--sp-file", str(_COCCI), str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return {int(line) for line in re.findall(r"found \S+:(\d+)", done.stdout)}
