"""The command line: every command with its options, and what its help says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from patchbot import __version__
from patchbot.diagnostics import ExitCode

_TARGETS = "a message-id, its address on a public-inbox, mbox files, a Maildir, or - for stdin"
_REVIEW_HELP = """\
Fetches the thread, finds every revision of the series, applies each to the tree it was made for
(without touching your checkout), runs the stages, and gives each revision a verdict.

The base of a revision is, in this order: --base; its base-commit trailer; the commit whose files
match its index lines; the catalogue; HEAD, marked as a guess.

On a terminal the interface opens, with the review running in it; --plain prints the report.
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
  patchbot apply <msgid> --test --branch tested     a branch only if every stage is content
  patchbot apply <msgid> --revision 4 --test        run the other stages on it as well

exit codes: 0 applied (with --test: accept), 1 does not apply (with --test: needs work or reject),
2 usage, 3 cannot tell, 4 could not run. With --test the code is the verdict's, --force or not.
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
  patchbot smoke --hold 'ext4_writepages:kworker*' --scenario boot
  patchbot smoke --list

--hold opens a window in the scenarios that are named: the first time that the thread (a name with
wildcards, or cpuN) comes to the symbol, it stands still for a second, or until the scenario's own
program has acted. Several symbols, joined with >, must be passed in order. With several --hold, a
thread stands until the next one does, for three seconds at most.

exit codes: 0 good, 1 a scenario fails (with --revision: and does not on the base), 2 usage,
3 a guest gave no answer, 4 could not run (it does not build, QEMU is absent); 130 after Ctrl-C.
"""


_TREE_HELP = """\
Makes a git tree of kernel sources that come without one: a package such as Debian's, or a folder.
The tree is a bare repository with one commit, the same for the same files, and `--tree` takes it.
It takes about a minute; a second run on the same source says that it is there. Its path is printed.
"""
_TREE_EXAMPLES = """\
examples:
  apt-get install linux-source-6.1
  patchbot tree import /usr/src/linux-source-6.1.tar.xz     makes linux-source-6.1.git here
  patchbot tree import ~/linux-6.12 /srv/linux-6.12.git

exit codes: 0 it is there, 2 usage, 4 could not run; 130 after Ctrl-C, which leaves nothing.
"""
_LAB_HELP = """\
Makes threads of patches for a kernel tree (5.10 or later): one series in five revisions, of which
four bring back a known fault in how ext4 protects journalled data, and the fifth is right. Patches
and mails are made for this very tree; the tree is read, and nothing leaves the machine.
"""
_LAB_EXAMPLES = """\
examples:
  patchbot lab --tree ~/linux                                   writes mbox files, says what to type
  patchbot lab --tree ~/linux --serve                           serves them like a public-inbox
  patchbot lab --source /usr/src/linux-source-6.1.tar.xz --review     all stages, on a real kernel

exit codes: 0 made (with --review: reviewed, whatever the verdicts), 2 usage, 4 could not run.
Ctrl-C ends --serve with 0, all else with 130.
"""


_CAMPAIGN_HELP = """\
Builds a commit, and boots it again and again with a mapped writer on data=journal. Every write that
reaches a guest's disk is kept, and crashes are tried from that: after each of many writes, with
unflushed ones lost, would recovery succeed? Each is a run in the figures that the field uses.

What a seed did is kept: the same command goes on with the next seed, and the same seed makes the
same choices (block size, pages, writers, crash points).
"""
_CAMPAIGN_EXAMPLES = """\
examples:
  patchbot campaign --tree ~/linux --minutes 10
  patchbot campaign --tree ~/linux --revision <msgid>:v5 --runs 5000 --jobs 4

exit codes: 0 nothing was wrong, 1 a checksum changed or recovery failed, 2 usage, 3 no answer,
4 could not run; 130 after Ctrl-C (what was finished is kept, and the figures are printed).
"""


_SIM_HELP = """\
Runs the kernel's own functions, taken from a commit, under every schedule of small scenarios: no
kernel is built or booted. A failure comes with its schedule, which replays. With --revision, an
applied revision is compared with its base: what the base fails too is no failure.
"""
_SIM_EXAMPLES = """\
examples:
  patchbot sim --list
  patchbot sim --tree ~/linux --revision <msgid>:v5
  patchbot sim --scenario write-protect --bound 3 --time 600 --jobs 2
  patchbot sim --scenario write-protect/later-page --replay '1@518>2'
  patchbot sim --ledger                         whose functions would run, and what is unknown

A search that --time stops is no whole answer. What is not translated, or is the model's while the
series changes it, makes the result inconclusive, by name.

exit codes: 0 no failure, 1 a scenario fails (with --revision: and not so on the base), 2 usage,
3 inconclusive or stopped by --time, 4 could not run; 130 after Ctrl-C.
"""


_THREAD_HELP = """\
Shows the mails that were kept with a review, a line each, below the mail that it answers.
"""
_THREAD_EXAMPLES = """\
examples:
  patchbot thread <any message-id of the series>
  patchbot thread <msgid> --json | jq -r '.mails[].body'

exit codes: 0 shown, 2 usage, 4 nothing is kept of it
"""
_COMPARE_HELP = """\
Compares two revisions of a kept review: patches by git range-diff, and what the stages found:
new, gone, still there. What a stage did not answer for one of them is called unknown.
"""
_COMPARE_EXAMPLES = """\
examples:
  patchbot compare <msgid>              the newest revision with the one before it
  patchbot compare <msgid> v3 v5 --json

exit codes: 0 compared, 2 usage, 4 nothing is kept of it
"""


_TUI_HELP = """\
Shows what was reviewed, a line a series; from there to a matrix of revisions and stages, to
what each stage found, and to the patches. Starts reviews and shows them while they run.
? names the keys.
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and one with the way out."""

    def error(self, message: str) -> NoReturn:
        """End with the exit code for usage errors."""
        self.exit(ExitCode.USAGE, f"patchbot: {message}\n  see: {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Build the argument parser; `command` in what it returns is the command's name."""
    parser = _Parser(
        prog="patchbot",
        description="Reviews Linux kernel patch series: every revision, with evidence.",
        epilog="start with `patchbot demo`; `patchbot COMMAND --help` explains each command;"
        " `patchbot` alone, on a terminal, shows what was reviewed",
    )
    parser.add_argument("--version", action="version", version=f"patchbot {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_tui(commands)
    _add_review(commands)
    _add_apply(commands)
    _add_check(commands)
    _add_sim(commands)
    _add_smoke(commands)
    _add_campaign(commands)
    _add_tree(commands)
    _add_lab(commands)
    _add_show(commands)
    _add_thread(commands)
    _add_compare(commands)
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


def _add_tui(commands: Any) -> None:
    parser = _add_command(
        commands, "tui", "see and run reviews on a terminal (also: patchbot alone)", _TUI_HELP,
        "examples:\n  patchbot\n  patchbot tui --tree ~/linux\n",
    )  # fmt: skip
    parser.add_argument(
        "--tree", type=Path, metavar="DIR", help="the git tree (default: where you stand)"
    )
    parser.add_argument(
        "--no-mouse", action="store_true", help="leave the mouse to the terminal, to mark and copy"
    )
    parser.set_defaults(command="tui")


def _add_review(commands: Any) -> None:
    parser = _add_command(
        commands, "review", "review every revision of a series", _REVIEW_HELP, _REVIEW_EXAMPLES
    )
    _add_source_options(parser)
    parser.add_argument(
        "--revision",
        default="all",
        metavar="all|latest|N,...",
        help="which revisions to run the stages on (default: all)",
    )
    parser.add_argument(
        "--stages", metavar="NAME,...", help="only these stages; the verdict then rests on them"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command="review")


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", nargs="+", metavar="SOURCE", help=_TARGETS)
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: the one you stand in)")
    add("--base", metavar="REV", help="apply to this commit, whatever the mails say")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--on", metavar="MSGID", help="apply on top of the revision that this mail belongs to")
    add("--no-cache", action="store_true", help="fetch and run anew, use nothing that was kept")
    add("--stored", action="store_true", help="use the mails kept with the last review, no network")
    add("--merge", action="store_true", help="keep earlier results of other revisions and stages")
    add("--events", action="store_true", help="tell progress as JSON lines, for a program")
    add("--control", action="store_true", help="with --events: take requests on standard input")
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
        "--test", action="store_true", help="run all stages; no branch without an accept"
    )
    parser.add_argument(
        "--force", action="store_true", help="with --test: make the branch whatever they say"
    )
    parser.add_argument("--json", action="store_true", help="print the review document")
    parser.set_defaults(command="apply")


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
    parser.set_defaults(command="check")


def _add_sim(commands: Any) -> None:
    parser = _add_command(
        commands, "sim", "run a commit's functions under every schedule", _SIM_HELP, _SIM_EXAMPLES
    )
    add = parser.add_argument
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: where you stand)")
    add("--rev", metavar="REV", help="the commit to look at (default: HEAD)")
    add("--revision", metavar="MSGID:vN", help="an applied revision; without :vN the newest")
    add("--base", metavar="COMMIT", help="apply the revision to this commit")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--scenario", action="append", default=[], metavar="NAME", help="only this; repeatable")
    add("--bound", default="2", metavar="N|none", help="up to so many preemptions (default: 2)")
    add("--engine", choices=("auto", "python", "native"), default="auto", help="default: auto")
    add("--random", type=int, default=0, metavar="N", help="then N random schedules beyond it")
    add("--seed", type=int, default=0, metavar="S", help="which random ones (default: 0)")
    add("--time", type=float, metavar="S", help="at most so many seconds for each scenario")
    add("--jobs", type=int, default=0, metavar="J", help="scenarios at a time (default: by cores)")
    add("--list", action="store_true", help="list the scenarios")
    add("--ledger", action="store_true", help="list the functions that would run, and whose")
    add("--replay", metavar="SCHEDULE", help="run one schedule of one scenario, and tell all of it")
    add("--json", action="store_true", help="print JSON")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(command="sim")


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
    add("--hold", action="append", default=[], metavar="SYMBOL:THREAD",
        help="hold a thread there while all others go on; again for the next window")  # fmt: skip
    add("--list", action="store_true", help="list the scenarios")
    add("--accel", choices=("auto", "kvm", "tcg"), default="auto", help="default: auto")
    add("--json", action="store_true", help="print JSON")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(command="smoke")


def _add_campaign(commands: Any) -> None:
    parser = _add_command(
        commands, "campaign", "crash a kernel by the thousand, and count", _CAMPAIGN_HELP,
        _CAMPAIGN_EXAMPLES,
    )  # fmt: skip
    add = parser.add_argument
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: where you stand)")
    add("--rev", metavar="REV", help="the commit to boot (default: HEAD)")
    add("--revision", metavar="MSGID:vN", help="an applied revision; without :vN the newest")
    add("--base", metavar="COMMIT", help="apply the revision to this commit")
    add("--lore", metavar="URL", help="a public-inbox, down to one list (default: PATCHBOT_LORE)")
    add("--scenario", default="crash-images", metavar="NAME", help="default: crash-images")
    add("--runs", type=int, metavar="N", help="until so many crashes were tried, earlier ones too")
    add("--minutes", type=float, metavar="M", help="for so long (default: 10, without --runs)")
    add("--jobs", type=int, default=0, metavar="J", help="guests at a time (default: by cores)")
    add("--seed", type=int, default=1, metavar="N", help="the first guest's (default: 1)")
    add("--fresh", action="store_true", help="begin anew, forget what this kernel's campaign has")
    add("--accel", choices=("auto", "kvm", "tcg"), default="auto", help="default: auto")
    add("--json", action="store_true", help="print JSON")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(command="campaign")


def _add_tree(commands: Any) -> None:
    parser = _add_command(
        commands, "tree", "make a git tree of kernel sources", _TREE_HELP, _TREE_EXAMPLES
    )
    add = parser.add_argument
    add("action", choices=("import",), help="what to do")
    add("source", type=Path, metavar="SOURCE", help="a tar archive, or a folder")
    add("into", type=Path, nargs="?", metavar="DIR", help="the repository (default: SOURCE's name)")
    add("--plain", action="store_true", help="no live progress")
    parser.set_defaults(command="tree")


def _add_lab(commands: Any) -> None:
    parser = _add_command(
        commands, "lab", "make a series with known faults for a kernel tree", _LAB_HELP,
        _LAB_EXAMPLES,
    )  # fmt: skip
    add = parser.add_argument
    add("--tree", type=Path, metavar="DIR", help="the git tree (default: the one you stand in)")
    add("--source", type=Path, metavar="FILE", help="a kernel's sources; imported where need be")
    add("--base", metavar="REV", help="the commit to make patches for (default: HEAD)")
    add("--out", type=Path, metavar="DIR", help="where all of it goes (default: the data folder)")
    add("--serve", action="store_true", help="serve the threads on loopback until Ctrl-C")
    add("--port", type=int, default=0, metavar="N", help="on this port (default: a free one)")
    add("--review", action="store_true", help="serve them, and review every revision")
    add("--stages", metavar="NAME,...", help="with --review, only these stages")
    add("--jobs", type=int, default=0, metavar="N", help="revisions at a time (default: by cores)")
    add("--json", action="store_true", help="print one JSON document")
    add("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(command="lab")


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
    parser.set_defaults(command="show")


def _add_thread(commands: Any) -> None:
    parser = _add_command(
        commands, "thread", "show the mails around a kept review", _THREAD_HELP, _THREAD_EXAMPLES
    )
    parser.add_argument("name", metavar="MSGID|CHANGE-ID", help="which series")
    parser.add_argument("--json", action="store_true", help="print JSON, with the mails' text")
    parser.add_argument("--plain", action="store_true", help="no colour")
    parser.set_defaults(command="thread")


def _add_compare(commands: Any) -> None:
    parser = _add_command(
        commands, "compare", "compare two revisions of a kept review", _COMPARE_HELP,
        _COMPARE_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("name", metavar="MSGID|CHANGE-ID", help="which series")
    parser.add_argument("older", nargs="?", metavar="vA", help="default: the last but one")
    parser.add_argument("newer", nargs="?", metavar="vB", help="default: the newest")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="no colour")
    parser.set_defaults(command="compare")


def _add_demo(commands: Any) -> None:
    parser = _add_command(
        commands,
        "demo",
        "review the bundled threads on the bundled tree: no network, no kernel",
        "Reviews five small series that were written for this purpose, with faults of every kind.",
        "exits with 0 when all could be shown, whatever their verdicts\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--events", action="store_true", help="tell progress as JSON lines, for a program"
    )
    parser.add_argument("--plain", action="store_true", help="no colour, no live progress")
    parser.set_defaults(command="demo")


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
    parser.set_defaults(command="doctor")
