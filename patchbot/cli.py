"""The command line: arguments in, a report and an exit code out."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from patchbot import __version__
from patchbot.arguments import make_parser
from patchbot.diagnostics import ExitCode, Narrator, make_narrator
from patchbot.errors import CancelledError, PatchbotError, UsageError
from patchbot.output import make_output, print_json
from patchbot.proc import PROCESSES, count_cores
from patchbot.reading_command import run_compare, run_thread
from patchbot.review_command import (
    make_options,
    review_once,
    run_apply,
    run_demo,
    run_review_command,
    run_show,
)
from patchbot.settings import Settings, find_config, read_settings

if TYPE_CHECKING:
    from patchbot.git import Repository
    from patchbot.lab.command import Lab
    from patchbot.qemu.scenario import Scenario

_BUG = "this is a bug of patchbot's; please report it with the command you ran"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; see `ExitCode`."""
    words = sys.argv[1:] if argv is None else argv
    parser = make_parser()
    args = parser.parse_args([*words] if words or not _on_terminal() else ["tui"])
    args.words = [*words]
    narrator = make_narrator(args)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _RUNNERS[args.command](args, narrator)
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


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _run_tui(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.tui.start import run_tui

    return run_tui(read_settings(), args.tree, mouse=not args.no_mouse)


def _run_review(args: argparse.Namespace, narrator: Narrator) -> int:
    """Show the review in the interface on a terminal, unless the command is for a program."""
    apart = args.plain or args.json or args.events or "-" in args.targets
    if apart or not _on_terminal() or os.environ.get("TERM") == "dumb":
        return run_review_command(args, narrator)
    from patchbot.tui.start import run_tui

    return run_tui(read_settings(), args.tree, args.words)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    PROCESSES.interrupt()
    raise KeyboardInterrupt


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
        options = make_options(args, ("apply",))
        trail = find_revision(tree, args.revision, options, settings, narrator)
    with narrator.working():
        return check_trail(tree, trail, rules, narrator.say, PROCESSES.check)


def _run_smoke(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.qemu.scenario import find_scenarios
    from patchbot.smoke import render_smoke, run_smoke, worst_of
    from patchbot.workspace import run_folder

    scenarios = find_scenarios(args.scenario)
    if args.list:
        print("\n".join(f"{each.name}: {each.summary}" for each in scenarios))
        return ExitCode.ACCEPT
    if args.hold:
        scenarios = _held(args, scenarios)
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
        print_json(document)
    else:
        print(render_smoke(document))
    codes = {"good": ExitCode.ACCEPT, "failed": ExitCode.NEEDS_WORK}
    return codes.get(worst_of(document), ExitCode.CANNOT_TELL)


def _run_sim(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot import sim_command as sim
    from patchbot.sim_compare import Work
    from patchbot.simulation import Asked
    from patchbot.workspace import run_folder

    scenarios = sim.find_scenarios(args.scenario)
    if args.list:
        print("\n".join(f"{each.name}: {each.summary}" for each in scenarios))
        return ExitCode.ACCEPT
    sim.check_options(args, scenarios)
    asked = Asked(sim.parse_bound(args.bound), args.time, args.engine, args.random, args.seed)
    settings, jobs = read_settings(), args.jobs if args.jobs > 0 else count_cores()
    tree, trail = _find_commits(args, settings, narrator)
    with narrator.working(), run_folder(settings.home) as folder:
        named = bool(args.scenario)
        work = Work(tree, trail, scenarios, asked, folder, settings.home, named)
        document = sim.run_asked(work, args.ledger, args.replay, narrator.say, jobs)
    if args.json:
        print_json(document)
    else:
        print(sim.render(document))
    codes = {"good": ExitCode.ACCEPT, "failed": ExitCode.NEEDS_WORK}
    return codes.get(sim.worst_of(document), ExitCode.CANNOT_TELL)


def _run_campaign(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.campaign import Asked, render_campaign, run_on, worst_of
    from patchbot.workspace import run_folder

    if args.rev and args.revision:
        raise UsageError("--rev and --revision are two things to boot", hint="choose one")
    if (args.base or args.lore) and not args.revision:
        raise UsageError("--base and --lore go with --revision", hint="see patchbot campaign -h")
    asked = Asked(
        args.scenario, args.runs, args.minutes, args.jobs, args.seed, args.accel, args.fresh
    )
    settings = read_settings()
    tree, trail = _find_commits(args, settings, narrator)
    with narrator.working(), run_folder(settings.home) as folder:
        document = run_on(tree, trail, asked, settings.home, folder, narrator)
    if args.json:
        print_json(document)
    else:
        print(render_campaign(document))
    if document["stopped"]:
        return ExitCode.INTERRUPTED
    codes = {"good": ExitCode.ACCEPT, "failed": ExitCode.NEEDS_WORK}
    return codes.get(worst_of(document), ExitCode.CANNOT_TELL)


def _held(args: argparse.Namespace, scenarios: list[Scenario]) -> list[Scenario]:
    from patchbot.qemu.hold import parse_hold
    from patchbot.qemu.window import with_holds

    if not args.scenario:
        raise UsageError("--hold needs a --scenario", hint="patchbot smoke --list names them")
    asked = [parse_hold(text) for text in args.hold]
    return [with_holds(each, asked) for each in scenarios]


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
        options = make_options(args, ("apply",))
        trail = find_revision(tree, args.revision, options, settings, narrator)
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
        print_json(render_sarif(document, explanations(), __version__))
    elif args.json:
        print_json(document)
    else:
        print_found(make_output(args), document)


def _run_tree(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.tree_command import import_tree

    with narrator.working():
        made = import_tree(args.source, args.into, narrator.say)
    print(made.repository)
    return ExitCode.ACCEPT


def _run_lab(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.lab import command as labs

    if args.review and args.serve:
        raise UsageError("--review serves the threads by itself", hint="leave --serve out")
    if args.stages is not None and not args.review:
        raise UsageError("--stages goes with --review", hint="see patchbot lab --help")
    settings = read_settings()
    folder = (args.out or settings.home / "lab").absolute()
    with narrator.working():
        tree = labs.find_lab_tree(args.tree, args.source, settings.tree, folder, narrator.say)
        lab = labs.make_lab(tree, args.base, folder, narrator.say)
    if args.review:
        return _review_lab(args, narrator, lab, folder)
    if not args.serve:
        _print_lab(args, labs.render_document(lab, None))
        return ExitCode.ACCEPT
    with lab.serve(args.port) as server:
        _print_lab(args, labs.render_document(lab, server.url))
        labs.wait_for_interrupt()
    return ExitCode.ACCEPT


def _print_lab(args: argparse.Namespace, document: dict[str, Any]) -> None:
    from patchbot.lab.command import render_lab

    if args.json:
        print_json(document)
    else:
        print(render_lab(document))
    sys.stdout.flush()


def _review_lab(args: argparse.Namespace, narrator: Narrator, lab: Lab, folder: Path) -> int:
    from patchbot.lab.score import render_score
    from patchbot.report.text import print_review

    args.targets, args.tree, args.base, args.on = [lab.newest], lab.tree.top, None, None
    args.revision, args.no_cache, args.keep = "all", False, False
    stages = tuple(filter(None, args.stages.split(","))) if args.stages is not None else None
    with lab.serve(args.port) as server:
        args.lore = server.url
        _, document = review_once(args, narrator, stages, folder)
    if args.json:
        print_json(document)
    else:
        print_review(make_output(args), document)
        print(render_score(lab.story, document))
    return ExitCode.ACCEPT


def _run_doctor(args: argparse.Namespace, narrator: Narrator) -> int:
    from patchbot.doctor import default_config_hint, run_checks
    from patchbot.report.text import print_checks

    with narrator.working():
        narrator.say("looking around")
        checks = run_checks(read_settings())
    if args.json:
        rows = [
            {"name": c.name, "found": c.found, "for": c.needed, "add": c.add,
             "required": c.required}
            for c in checks
        ]  # fmt: skip
        print_json({"schema": "patchbot.doctor/1", "checks": rows})
    else:
        print_checks(make_output(args), checks, default_config_hint(find_config(os.environ)))
    missing = any(check.required and check.found is None for check in checks)
    return ExitCode.COULD_NOT_RUN if missing else ExitCode.ACCEPT


_RUNNERS: Mapping[str, Callable[[argparse.Namespace, Narrator], int]] = {
    "tui": _run_tui,
    "review": _run_review,
    "apply": run_apply,
    "check": _run_check,
    "sim": _run_sim,
    "smoke": _run_smoke,
    "campaign": _run_campaign,
    "tree": _run_tree,
    "lab": _run_lab,
    "show": run_show,
    "thread": run_thread,
    "compare": run_compare,
    "demo": run_demo,
    "doctor": _run_doctor,
}


if __name__ == "__main__":
    sys.exit(main())
