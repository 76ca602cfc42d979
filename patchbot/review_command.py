"""The commands that make and show reviews: `review`, `apply`, `show` and `demo`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from patchbot.diagnostics import VERDICT_CODES, ExitCode, Narrator
from patchbot.errors import PatchbotError, UsageError
from patchbot.output import make_output, print_json
from patchbot.reading_command import find_kept
from patchbot.settings import read_settings


def make_options(args: argparse.Namespace, stages: tuple[str, ...] | None) -> Any:
    """Return what a command line asks of a review; `stages` is None for all."""
    from patchbot.review import Options

    return Options(
        targets=tuple(args.targets), tree=args.tree, base=args.base, lore=args.lore, on=args.on,
        revision=args.revision, stages=stages, no_cache=args.no_cache, jobs=max(0, args.jobs),
        stored=getattr(args, "stored", False),
    )  # fmt: skip


def review_once(
    args: argparse.Namespace,
    narrator: Narrator,
    stages: tuple[str, ...] | None,
    home: Path | None = None,
) -> Any:
    """Run a review, keep it (in `home` instead of the user's), return it with its document.

    With `--merge` the document that is kept holds what was kept before as well.
    """
    from patchbot.mail.mbox import quote_mail
    from patchbot.merging import merge_documents
    from patchbot.report.document import render_document
    from patchbot.review import run_review
    from patchbot.store import Store
    from patchbot.workspace import kept_name, run_folder

    settings = read_settings()
    settings = replace(settings, home=home) if home else settings
    store = Store(settings.home)
    try:
        with narrator.working(), run_folder(settings.home, keep=args.keep) as folder:
            review = run_review(make_options(args, stages), settings, store, narrator, folder)
            document = render_document(review)
            kept = store.find_review(review.series.slug) if getattr(args, "merge", False) else None
            whole = merge_documents(kept.document, document) if kept else document
            mails = b"".join(quote_mail(mail.raw) for mail in review.mails)
            store.save_review(review.series.slug, whole, mails)
        if args.keep:
            narrator.say(f"kept: {kept_name(folder)}")
    finally:
        store.close()
    return review, document


def run_review_command(args: argparse.Namespace, narrator: Narrator) -> int:
    """Review every revision that is asked for, and print the document or the report."""
    from patchbot.report.text import print_review

    _check_control(args)
    stages = tuple(filter(None, args.stages.split(","))) if args.stages is not None else None
    _, document = review_once(args, narrator, stages)
    if args.json:
        print_json(document)
    else:
        print_review(make_output(args), document)
    return VERDICT_CODES[document["revisions"][-1]["verdict"]["status"]]


def _check_control(args: argparse.Namespace) -> None:
    if args.control and (not args.events or "-" in args.targets):
        raise UsageError("--control goes with --events, and reads standard input itself")


def run_apply(args: argparse.Namespace, narrator: Narrator) -> int:
    """Apply one revision; with --test and --branch, make a branch on an accept."""
    from patchbot.report.text import print_applied, print_no_branch
    from patchbot.tree import find_tree

    if args.revision == "all":
        raise UsageError("apply takes one revision", hint="latest, named, or a number")
    settings = read_settings()
    tree = find_tree(args.tree, settings.tree)
    if tree is None:
        raise PatchbotError("no tree to apply to", hint="name one with --tree, or stand in one")
    if args.force and not (args.test and args.branch):
        raise UsageError("--force goes with --test and --branch", hint="see patchbot apply --help")
    _check_control(args)
    if args.branch:
        tree.check_branch(args.branch)
    _, document = review_once(args, narrator, None if args.test else ("apply",))
    revision = document["revisions"][-1]
    told = VERDICT_CODES[revision["verdict"]["status"]]
    code = told if args.test else _applied_code(revision)
    commits = revision["stages"]["apply"]["data"].get("commits")
    branch = args.branch if commits and (args.force or code is ExitCode.ACCEPT) else None
    if branch:
        tree.create_branch(branch, commits[-1])
    if args.json:
        print_json(document)
        _narrate_branch(args, narrator, branch, revision["verdict"]["status"])
    else:
        print_applied(make_output(args), revision, branch)
        if args.test and args.branch and not branch:
            print_no_branch(make_output(args), revision, args.branch, applies=bool(commits))
    return code


def _narrate_branch(
    args: argparse.Namespace, narrator: Narrator, branch: str | None, verdict: str
) -> None:
    """Say on standard error what the document can't: whether the branch was made."""
    if branch:
        narrator.say(f"branch {branch} made")
    elif args.branch:
        narrator.warn(f"no branch {args.branch}: the verdict is {verdict}")


def _applied_code(revision: dict[str, Any]) -> ExitCode:
    statuses = {result["status"] for result in revision["stages"].values()}
    if "fail" in statuses:
        return ExitCode.NEEDS_WORK
    commits = revision["stages"]["apply"]["data"].get("commits")
    return ExitCode.ACCEPT if commits and "error" not in statuses else ExitCode.CANNOT_TELL


def run_show(args: argparse.Namespace, narrator: Narrator) -> int:
    """Print one kept review, or the list of all."""
    from patchbot.report.text import print_list, print_review
    from patchbot.store import Store

    store = Store(read_settings().home)
    try:
        kept = store.list_reviews() if args.name is None else []
        one = find_kept(store, args.name) if args.name else None
    finally:
        store.close()
    if args.json:
        rows = [each.render() for each in kept]
        print_json(one.document if one else {"schema": "patchbot.list/1", "reviews": rows})
    elif one:
        print_review(make_output(args), one.document)
    elif kept:
        print_list(make_output(args), kept)
    else:
        narrator.say("nothing is kept yet; start with: patchbot review <msgid>, or patchbot demo")
    return ExitCode.ACCEPT


def run_demo(args: argparse.Namespace, narrator: Narrator) -> int:
    """Review the bundled threads."""
    from patchbot.demo import THREADS, find_mbox, make_demo_tree
    from patchbot.report.text import print_demo_head, print_review

    home = read_settings().home / "demo"
    with narrator.working():
        narrator.say("making the demo's tree")
        tree = make_demo_tree(home)
    documents = []
    for number, thread in enumerate(THREADS, 1):
        args.targets = [*([thread.message_id] if thread.message_id else [])]
        args.targets += [str(find_mbox(name)) for name in thread.mboxes]
        args.tree, args.on, args.base, args.lore = tree, thread.on, None, None
        args.revision, args.no_cache, args.keep, args.jobs = "all", False, False, 0
        narrator.say(f"demo {number} of {len(THREADS)}: {thread.lesson}")
        _, document = review_once(args, narrator, None, home)
        documents.append(document)
        if not args.json:
            console = make_output(args)
            print_demo_head(console, number, len(THREADS), thread.lesson)
            print_review(console, document)
    if args.json:
        print_json({"schema": "patchbot.demo/1", "reviews": documents})
    else:
        make_output(args).print(f"the tree of the demo, with every applied revision: {tree}")
    return ExitCode.ACCEPT
