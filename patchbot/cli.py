"""The command line: arguments in, a report and an exit code out."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from patchbot import __version__
from patchbot.diagnostics import VERDICT_CODES, ExitCode, Narrator
from patchbot.errors import CancelledError, PatchbotError, UsageError
from patchbot.proc import PROCESSES
from patchbot.settings import Settings, find_config, read_settings

if TYPE_CHECKING:
    from patchbot.git import Repository

_BUG = "this is a bug of patchbot's; please report it with the command you ran"
_TARGETS = "a message-id, its address on a public-inbox, mbox files, a Maildir, or - for stdin"
_REVIEW_HELP = """\
Fetches the thread, finds every revision of the series, applies each to the tree it was made for
(without touching your checkout), runs the stages, and gives each revision a verdict.

The base of a revision is, in this order: --base; its base-commit trailer; the commit whose files
match its index lines; the catalogue; HEAD, marked as a guess.
"""
_REVIEW_EXAMPLES = """\
examples:
  patchbot review <msgid> --tree ~/linux
  patchbot review https://lore.kernel.org/linux-ext4/<msgid>/
  patchbot review v4.mbox v5.mbox --revision latest        no network at all
  b4 mbox -o - <msgid> | patchbot review -                 whatever another tool fetched
  patchbot review <fix> --on <msgid of v5>                 a fix on top of a known revision

exit codes: 0 accept, 1 needs work or reject, 2 usage, 3 cannot tell, 4 could not run;
the newest revision decides. 130 after Ctrl-C.
"""
_APPLY_HELP = """\
Applies one revision (the newest, unless --revision says otherwise) in the tree's object store,
under refs/patchbot/<series>/<revision>. Your checkout, index and branches stay as they are;
--branch makes one new branch.
"""
_APPLY_EXAMPLES = """\
examples:
  patchbot apply <msgid> --branch review/jbd2       then: git switch review/jbd2
  patchbot apply <msgid> --revision 4 --test        run the other stages on it as well

exit codes: 0 applied, 1 does not apply (or a stage failed), 2 usage, 3 cannot tell,
4 could not run.
"""
_CHECK_HELP = """\
Runs patchbot's rules over C: over files and folders as they are, over the commits of a range, or
over an applied revision. For commits, each finding says whether it was introduced, fixed or left,
and by which commit; what a later commit takes away again is reported as well.
"""
_CHECK_EXAMPLES = """\
examples:
  patchbot check fs/ext4 fs/jbd2
  patchbot check --range v6.12..HEAD --tree ~/linux
  patchbot check --revision <msgid>:v5 --tree ~/linux
  patchbot check fs/ext4/inode.c --rule range-start-not-page-offset --sarif > found.sarif
  patchbot check --explain range-start-not-page-offset

exit codes: 0 no error found, 1 an error is found (for commits: introduced), 2 usage,
3 something could not be analysed, or nothing was checked, 4 could not run; 130 after Ctrl-C.
Warnings alone do not change the code.
"""


_SMOKE_HELP = """\
Builds a commit as a small kernel, boots it in QEMU, and runs scenarios in it. With --revision, an
applied revision is booted against its base: what the base fails too is no failure.
The first build of a base takes minutes; sources, objects, images and serial logs are kept.
"""
_SMOKE_EXAMPLES = """\
examples:
  patchbot smoke --tree ~/linux
  patchbot smoke --tree ~/linux --rev v6.12 --scenario boot
  patchbot smoke --tree ~/linux --revision <msgid>:v5
  patchbot smoke --list

exit codes: 0 good, 1 a scenario fails (with --revision: and does not on the base), 2 usage,
3 a guest gave no answer, 4 could not run (it does not build, QEMU is absent); 130 after Ctrl-C.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; see `ExitCode`."""
    parser = make_parser()
    args = parser.parse_args(argv)
    narrator = Narrator(sys.stderr, plain=getattr(args, "plain", False))
    signal.signal(signal.SIGTERM, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = args.run(args, narrator)
        sys.stdout.flush()
        return code
    except UsageError as error:
        narrator.fail(error)
        return ExitCode.USAGE
    except (KeyboardInterrupt, CancelledError):
        PROCESSES.cancel()
        narrator.fail(PatchbotError("stopped; what was finished is kept"))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.COULD_NOT_RUN
    except PatchbotError as error:
        narrator.fail(error)
        return ExitCode.COULD_NOT_RUN
    except Exception as error:  # noqa: BLE001 - a crash must never look like a verdict
        words = f"{type(error).__name__}: {error}"
        hint = "standard output can't be written" if isinstance(error, OSError) else _BUG
        narrator.fail(PatchbotError(f"crashed, {words}", hint=hint))
        return ExitCode.COULD_NOT_RUN


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and one with the way out."""

    def error(self, message: str) -> NoReturn:
        """End with the exit code for usage errors."""
        self.exit(ExitCode.USAGE, f"patchbot: {message}\n  see: {self.prog} --help\n")


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def make_parser() -> argparse.ArgumentParser:
    """Build the argument parser."""
    parser = _Parser(
        prog="patchbot",
        description="Reviews Linux kernel patch series: every revision, with evidence.",
        epilog="start with `patchbot demo`; `patchbot COMMAND --help` explains each command",
    )
    parser.add_argument("--version", action="version", version=f"patchbot {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_review(commands)
    _add_apply(commands)
    _add_check(commands)
    _add_smoke(commands)
    _add_show(commands)
    _add_demo(commands)
    _add_doctor(commands)
    return parser


def _add_command(commands: Any, name: str, help_: str, description: str, epilog: str) -> Any:
    return commands.add_parser(
        name,
        help=help_,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_review(commands: Any) -> None:
    parser = _add_command(
        commands, "review", "review every revision of a series", _REVIEW_HELP, _REVIEW_EXAMPLES
    )
    _add_source_options(parser)
    parser.add_argument(
        "--revision",
        default="all",
        metavar="all|latest|N",
        help="which revisions to run the stages on (default: all)",
    )
    parser.add_argument(
        "--stages", metavar="NAME,...", help="only these stages; the verdict then rests on them"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_run_review)


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", nargs="+", metavar="SOURCE", help=_TARGETS)
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: the one you stand in)")
    add("--base", metavar="REV", help="apply to this commit, whatever the mails say")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--on", metavar="MSGID", help="apply on top of the revision that this mail belongs to")
    add("--no-cache", action="store_true", help="fetch and run anew, use nothing that was kept")
    add("--keep", action="store_true", help="keep the scratch folder, and say where it is")
    add("--plain", action="store_true", help="no colour, no live progress")
    add("--jobs", type=int, default=0, metavar="N", help="revisions at a time (default: by cores)")


def _add_apply(commands: Any) -> None:
    parser = _add_command(
        commands, "apply", "apply one revision, without a trace", _APPLY_HELP, _APPLY_EXAMPLES
    )
    _add_source_options(parser)
    parser.add_argument(
        "--revision", default="latest", metavar="latest|named|N",
        help="which revision; `named` is the one that SOURCE belongs to (default: latest)",
    )  # fmt: skip
    parser.add_argument("--branch", metavar="NAME", help="make a new branch of the result")
    parser.add_argument(
        "--test", action="store_true", help="run the other stages too; no branch where one fails"
    )
    parser.add_argument("--json", action="store_true", help="print the review document")
    parser.set_defaults(run=_run_apply)


def _add_check(commands: Any) -> None:
    parser = _add_command(
        commands, "check", "check C files or commits with patchbot's rules", _CHECK_HELP,
        _CHECK_EXAMPLES,
    )  # fmt: skip
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", type=Path, help="C files and folders")
    add("--revision", metavar="MSGID:vN", help="an applied revision; without :vN the newest")
    add("--range", metavar="A..B", help="the commits of a range, relative to A")
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: where you stand)")
    add("--base", metavar="COMMIT", help="apply the revision to this commit")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--rule", action="append", default=[], metavar="NAME", help="only this rule; repeatable")
    add("--json", action="store_true", help="print JSON")
    add("--sarif", action="store_true", help="print SARIF 2.1.0")
    add("--explain", metavar="RULE", help="print what a rule finds, why, and what to do instead")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(run=_run_check)


def _add_smoke(commands: Any) -> None:
    parser = _add_command(
        commands, "smoke", "build and boot a commit or a revision in QEMU", _SMOKE_HELP,
        _SMOKE_EXAMPLES,
    )  # fmt: skip
    add = parser.add_argument
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: where you stand)")
    add("--rev", metavar="REV", help="the commit to boot (default: HEAD)")
    add("--revision", metavar="MSGID:vN", help="an applied revision; without :vN the newest")
    add("--base", metavar="COMMIT", help="apply the revision to this commit")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--scenario", action="append", default=[], metavar="NAME", help="only this; repeatable")
    add("--list", action="store_true", help="list the scenarios")
    add("--accel", choices=("auto", "kvm", "tcg"), default="auto", help="default: auto")
    add("--json", action="store_true", help="print JSON")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(run=_run_smoke)


def _add_show(commands: Any) -> None:
    parser = _add_command(
        commands,
        "show",
        "show what is stored, without running anything",
        "Shows a kept review, or lists all of them, newest first.",
        "examples:\n  patchbot show\n  patchbot show <any message-id of the series> --json\n",
    )
    parser.add_argument("name", nargs="?", metavar="MSGID|CHANGE-ID", help="which series")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="no colour")
    parser.set_defaults(run=_run_show)


def _add_demo(commands: Any) -> None:
    parser = _add_command(
        commands,
        "demo",
        "review the bundled threads on the bundled tree: no network, no kernel",
        "Reviews five small series that were written for this purpose, with faults of every kind.",
        "exits with 0 when all could be shown, whatever their verdicts\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(run=_run_demo)


def _add_doctor(commands: Any) -> None:
    parser = _add_command(
        commands,
        "doctor",
        "say what this machine has and lacks, and what adds it",
        "Looks for every program that patchbot or one of its stages uses.",
        "exits with 0 when nothing that is required is missing, else with 4\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="no colour")
    parser.set_defaults(run=_run_doctor)


def _console(args: argparse.Namespace) -> Any:
    from patchbot.report.text import make_console

    return make_console(sys.stdout, os.environ, plain=args.plain)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, ensure_ascii=True))


def _options(args: argparse.Namespace, stages: tuple[str, ...] | None) -> Any:
    from patchbot.review import Options

    return Options(
        targets=tuple(args.targets), tree=args.tree, base=args.base, lore=args.lore, on=args.on,
        revision=args.revision, stages=stages, no_cache=args.no_cache, jobs=max(0, args.jobs),
    )  # fmt: skip


def _review(
    args: argparse.Namespace,
    narrator: Narrator,
    stages: tuple[str, ...] | None,
    home: Path | None = None,
) -> Any:
    """Run a review, keep it (in `home` instead of the user's), return it with its document."""
    from patchbot.report.document import render_document
    from patchbot.review import run_review
    from patchbot.store import Store
    from patchbot.workspace import kept_name, run_folder

    settings = read_settings()
    settings = replace(settings, home=home) if home else settings
    store = Store(settings.home)
    try:
        with narrator.working(), run_folder(settings.home, keep=args.keep) as folder:
            review = run_review(_options(args, stages), settings, store, narrator, folder)
            document = render_document(review)
            store.save_review(review.series.slug, document)
        if args.keep:
            narrator.say(f"kept: {kept_name(folder)}")
    finally:
        store.close()
    return review, document


def _run_review(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.report.text import print_review

    stages = tuple(filter(None, args.stages.split(","))) if args.stages is not None else None
    _, document = _review(args, narrator, stages)
    if args.json:
        _print_json(document)
    else:
        print_review(_console(args), document)
    return VERDICT_CODES[document["revisions"][-1]["verdict"]["status"]]


def _run_apply(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.report.text import print_applied
    from patchbot.tree import find_tree

    if args.revision == "all":
        raise UsageError("apply takes one revision", hint="latest, named, or a number")
    settings = read_settings()
    tree = find_tree(args.tree, settings.tree)
    if tree is None:
        raise PatchbotError("no tree to apply to", hint="name one with --tree, or stand in one")
    _, document = _review(args, narrator, None if args.test else ("apply",))
    revision = document["revisions"][-1]
    statuses = [result["status"] for result in revision["stages"].values()]
    usable = not {"fail", "error"} & set(statuses)
    commits = revision["stages"]["apply"]["data"].get("commits")
    if args.branch and commits and usable:
        tree.create_branch(args.branch, commits[-1])
    branch = args.branch if commits and usable else None
    if args.json:
        _print_json(document)
    else:
        print_applied(_console(args), revision, branch)
    if "fail" in statuses:
        return ExitCode.NEEDS_WORK
    return ExitCode.ACCEPT if commits and usable else ExitCode.CANNOT_TELL


def _run_check(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.check import explain, is_answered, worst

    if args.explain:
        print(explain(args.explain), end="")
        return ExitCode.ACCEPT
    given = [bool(args.paths), bool(args.revision), bool(args.range)]
    if (args.base or args.lore) and not args.revision:
        raise UsageError("--base and --lore go with --revision", hint="see patchbot check --help")
    if sum(given) != 1:
        raise UsageError("name files, or --range, or --revision", hint="one of them")
    if args.json and args.sarif:
        raise UsageError("--json and --sarif are two formats", hint="choose one")
    document = _check_document(args, narrator)
    _print_check(args, document)
    if worst(document) == "error":
        return ExitCode.NEEDS_WORK
    return ExitCode.ACCEPT if is_answered(document) else ExitCode.CANNOT_TELL


def _check_document(args: argparse.Namespace, narrator: Narrator) -> dict[str, Any]:
    from patchbot.check import check_paths, check_trail, find_range, find_revision, find_rules
    from patchbot.tree import find_tree

    rules = find_rules(args.rule)
    if args.paths:
        with narrator.working():
            return check_paths(args.paths, rules, narrator.say, PROCESSES.check)
    settings = read_settings()
    tree = find_tree(args.tree, settings.tree)
    if tree is None:
        raise PatchbotError("no tree to look at", hint="name one with --tree, or stand in one")
    if args.range:
        trail = find_range(tree, args.range)
    else:
        args.targets, args.on, args.no_cache, args.jobs = [], None, False, 0
        trail = find_revision(tree, args.revision, _options(args, ("apply",)), settings, narrator)
    with narrator.working():
        return check_trail(tree, trail, rules, narrator.say, PROCESSES.check)


def _run_smoke(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.qemu.scenario import find_scenarios
    from patchbot.smoke import render_smoke, run_smoke, worst_of
    from patchbot.workspace import run_folder

    scenarios = find_scenarios(tuple(args.scenario))
    if args.list:
        print("\n".join(f"{each.name}: {each.summary}" for each in scenarios))
        return ExitCode.ACCEPT
    if args.rev and args.revision:
        raise UsageError("--rev and --revision are two things to boot", hint="choose one")
    if (args.base or args.lore) and not args.revision:
        raise UsageError("--base and --lore go with --revision", hint="see patchbot smoke --help")
    settings = read_settings()
    tree, trail = _find_commits(args, settings, narrator)
    with narrator.working(), run_folder(settings.home) as folder:
        document = run_smoke(
            tree, trail, scenarios, settings.home, folder, accel=args.accel, say=narrator.say
        )
    if args.json:
        _print_json(document)
    else:
        print(render_smoke(document))
    codes = {"good": ExitCode.ACCEPT, "failed": ExitCode.NEEDS_WORK}
    return codes.get(worst_of(document), ExitCode.CANNOT_TELL)


def _find_commits(
    args: argparse.Namespace, settings: Settings, narrator: Narrator
) -> tuple[Repository, list[str]]:
    """Return the tree, and the commits to build: a base and what is on it, or one alone."""
    from patchbot.check import find_revision
    from patchbot.tree import find_tree

    tree = find_tree(args.tree, settings.tree)
    if tree is None:
        raise PatchbotError("no tree to build", hint="name one with --tree, or stand in one")
    if args.revision:
        args.targets, args.on, args.no_cache, args.jobs = [], None, False, 0
        trail = find_revision(tree, args.revision, _options(args, ("apply",)), settings, narrator)
        return tree, [trail.base, *trail.commits]
    commit = tree.resolve_commit(args.rev or "HEAD")
    if commit is None:
        raise UsageError(f"{tree.top} has no commit {args.rev or 'HEAD'!r}", hint="name one: --rev")
    return tree, [commit]


def _print_check(args: argparse.Namespace, document: dict[str, Any]) -> None:
    from patchbot.check import explanations
    from patchbot.report.findings import print_found
    from patchbot.report.sarif import render_sarif

    if args.sarif:
        _print_json(render_sarif(document, explanations(), __version__))
    elif args.json:
        _print_json(document)
    else:
        print_found(_console(args), document)


def _run_show(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.report.text import print_list, print_review
    from patchbot.store import Store

    store = Store(read_settings().home)
    try:
        kept = store.list_reviews() if args.name is None else []
        one = store.find_review(_plain_name(args.name)) if args.name else None
    finally:
        store.close()
    if args.name and one is None:
        raise PatchbotError(
            f"nothing is kept of {args.name}", hint=f"run: patchbot review {args.name}"
        )
    if args.json:
        rows = [{"at": k.at, "slug": k.slug, "title": k.title, "author": k.author} for k in kept]
        _print_json(one.document if one else {"schema": "patchbot.list/1", "reviews": rows})
    elif one:
        print_review(_console(args), one.document)
    elif kept:
        print_list(_console(args), [(k.slug, k.at, k.document) for k in kept])
    else:
        narrator.say("nothing is kept yet; start with: patchbot review <msgid>, or patchbot demo")
    return ExitCode.ACCEPT


def _plain_name(name: str) -> str:
    from patchbot.mail.archive import parse_message_id

    return parse_message_id(name)[0] if "@" in name else name


def _run_demo(args: argparse.Namespace, narrator: Narrator) -> int:
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
        _, document = _review(args, narrator, None, home)
        documents.append(document)
        if not args.json:
            console = _console(args)
            print_demo_head(console, number, len(THREADS), thread.lesson)
            print_review(console, document)
    if args.json:
        _print_json({"schema": "patchbot.demo/1", "reviews": documents})
    else:
        _console(args).print(f"the tree of the demo, with every applied revision: {tree}")
    return ExitCode.ACCEPT


def _run_doctor(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.doctor import default_config_hint, run_checks
    from patchbot.report.text import print_checks

    with narrator.working():
        narrator.say("looking around")
        checks = run_checks(read_settings())
    if args.json:
        rows = [
            {
                "name": c.name,
                "found": c.found,
                "for": c.needed,
                "add": c.add,
                "required": c.required,
            }
            for c in checks
        ]
        _print_json({"schema": "patchbot.doctor/1", "checks": rows})
    else:
        print_checks(_console(args), checks, default_config_hint(find_config(os.environ)))
    missing = any(check.required and check.found is None for check in checks)
    return ExitCode.COULD_NOT_RUN if missing else ExitCode.ACCEPT


if __name__ == "__main__":
    sys.exit(main())
