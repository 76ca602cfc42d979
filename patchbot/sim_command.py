"""`patchbot sim`: the kernel's own functions under every schedule, on a commit or a revision."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from kernel_sim.cfront.errors import TreeError as SourceError
from kernel_sim.counterexample import render_steps
from kernel_sim.kit import KitError
from kernel_sim.ledger import summarize_ledger
from kernel_sim.scenario import Scenario, ScenarioError, choose_scenarios, load_scenarios

from patchbot.errors import PatchbotError, UsageError
from patchbot.handover import check_functions, render_handover
from patchbot.kbuild.image import find_image
from patchbot.proc import render_command
from patchbot.qemu.symbols import read_symbols
from patchbot.report.text import clean_text
from patchbot.sim_compare import (
    Pair,
    Say,
    Work,
    compare_commits,
    find_kit_of,
    is_answered,
    read_parts,
)
from patchbot.sim_reach import Reach, say_reach
from patchbot.simulation import Row, choose_engine, read_steps, render_ledger, replay_scenario

SCHEMA = "patchbot.sim/1"
_WIDTH = 120


def find_scenarios(names: Sequence[str]) -> list[Scenario]:
    """Return the scenarios of these names, all for none; raises `UsageError` for an unknown one.

    The name of a file with variants stands for all of them.
    """
    try:
        known = load_scenarios()
        return choose_scenarios(known, names)
    except ScenarioError as error:
        raise UsageError(str(error), hint="patchbot sim --list names them") from error


def parse_bound(text: str) -> int | None:
    """Return a bound on preemptions, None for "none"; raises `UsageError`."""
    if text == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) < 4:
        return int(text)
    raise UsageError(f"--bound {text}: a number of preemptions, or none", hint="such as --bound 2")


def check_options(args: argparse.Namespace, scenarios: Sequence[Scenario]) -> None:
    """Raise `UsageError` for options that do not go together, or values that mean nothing."""
    if args.rev and args.revision:
        raise UsageError("--rev and --revision are two things to look at", hint="choose one")
    if (args.base or args.lore) and not args.revision:
        raise UsageError("--base and --lore go with --revision", hint="see patchbot sim --help")
    if args.replay is not None and args.ledger:
        raise UsageError("--ledger and --replay are two questions", hint="choose one")
    if args.replay is not None and (not args.scenario or len(scenarios) != 1):
        raise UsageError("--replay needs one --scenario", hint="patchbot sim --list names them")
    if args.time is not None and not args.time > 0:
        raise UsageError("--time is a number of seconds above 0")
    if args.random < 0 or not 0 <= args.seed < 1 << 64:
        raise UsageError("--random and --seed are whole numbers, 0 and up")
    if args.random and parse_bound(args.bound) is None:
        raise UsageError("--random goes beyond a bound", hint="name one, such as --bound 2")
    choose_engine(args.engine)


# ---------------------------------------------------------------- running


def run_asked(
    work: Work, ledger: bool, replay: str | None, say: Say, jobs: int = 1
) -> dict[str, Any]:
    """Return the document of what was asked for: a ledger, one schedule, or an exploration."""
    if ledger:
        return run_ledger(work)
    return run_sim(work, say, jobs) if replay is None else run_replay(work, replay)


def run_sim(work: Work, say: Say, jobs: int = 1) -> dict[str, Any]:
    """Explore all scenarios and return the document; see `compare_commits`."""
    pairs = compare_commits(work, say, jobs)
    return _document(work) | {"scenarios": [_pair(_checked(pair, work)) for pair in pairs]}


def run_replay(work: Work, schedule: str) -> dict[str, Any]:
    """Run one schedule of the one scenario; raises `UsageError` where it is none of this commit."""
    (scenario,) = work.scenarios
    place = _export(work).place()
    row = replay_scenario(place, scenario, schedule, short=False)
    return _document(work) | {"scenarios": [_pair(_checked(Pair(row, None), work))]}


def run_ledger(work: Work) -> dict[str, Any]:
    """Build all scenarios and say what each is made of, without running them."""
    exported = _export(work)
    place = exported.place()
    rows = []
    for scenario in work.scenarios:
        try:
            built = place.sources.build(scenario)
        except SourceError as error:
            raise PatchbotError(f"{scenario.name} can't be built: {error}") from error
        rows.append({"scenario": scenario.name, "ledger": render_ledger(built)})
    return _document(work) | {"ledgers": rows}


def _export(work: Work) -> Any:
    commit = work.trail[-1]
    try:
        return work.export(commit, find_kit_of(work.tree, commit))
    except KitError as error:
        raise PatchbotError(f"{commit[:12]}: {error}") from error


def _checked(pair: Pair, work: Work) -> Pair:
    """Return a pair whose hand-over names functions of the commit's kept image, if there is one."""
    from patchbot.stages.build import kernel_fragment  # the stages import this module

    handover = pair.after["handover"]
    if handover is None:
        return pair
    image = find_image(work.home, work.tree.tree_of(work.trail[-1]), kernel_fragment())
    if image is None:
        return pair
    symbols = read_symbols(image.folder / "symbols")
    handover = check_functions(handover, symbols.has_function)
    return replace(pair, after=pair.after | {"handover": handover})


def _document(work: Work) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tree": str(work.tree.top),
        "commit": work.trail[-1],
        "base": work.trail[0] if len(work.trail) > 1 else None,
        "engine": choose_engine(work.asked.engine),
        "bound": work.asked.bound,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "scenario": pair.scenario,
        "summary": pair.after["summary"],
        "change": pair.change.value if pair.change is not None else None,
        "touched": list(pair.touched),
        "unseen": list(pair.unseen),
        "reach": asdict(pair.reach),
        "after": pair.after,
        "base": pair.base,
    }


def worst_of(document: Mapping[str, Any]) -> str:
    """Return "failed", "no answer" or "good": failing as the base does is no failure."""
    if "ledgers" in document:
        return "good"
    rows = document["scenarios"]
    if any(_is_bad(row) for row in rows):
        return "failed"
    told = [each for row in rows for each in (row["after"], row["base"]) if each]
    return "good" if told and all(map(is_answered, told)) else "no answer"


def _is_bad(row: Mapping[str, Any]) -> bool:
    if row["base"] is None:
        return bool(row["after"]["result"] == "failure")
    return bool(row["change"] == "introduced")


# ---------------------------------------------------------------- text


def render(document: Mapping[str, Any]) -> str:
    """Return a document as text, whatever was asked for."""
    return render_ledgers(document) if "ledgers" in document else render_sim(document)


def render_sim(document: Mapping[str, Any]) -> str:
    """Return a document as text: a block for each scenario, with what was covered."""
    against = f", against {document['base'][:12]}" if document["base"] else ""
    lines = [f"{document['commit'][:12]}{against}"]
    for row in document["scenarios"]:
        change = f", {row['change']}" if row["change"] else ""
        lines += ["", f"{row['scenario']}: {row['after']['result']}{change}"]
        lines += [f"  {line}".rstrip() for line in _block(row, document)]
    return clean_text("\n".join(lines))


def _block(row: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    after, base = row["after"], row["base"]
    lines = [*after["reasons"]]
    lines += [say_covered(after)] if after["covered"] else []
    if after["ledger"]:
        parts = read_parts(after)
        ran = sum(part.ran for part in parts)
        lines.append(f"functions: {summarize_ledger(parts)}; {ran} ran")
    if base is not None:
        reached = ", ".join(row["touched"]) or "none"
        lines += [f"changed functions that ran: {reached}", f"the base: {say_result(base)}"]
        lines += [f"changed, but not compiled: {path}" for path in row["unseen"]]
        reach = Reach(**row["reach"])
        lines += [f"{say_reach(reach)} in all scenarios"] if reach.code else []
        lines += [f"changed, and not come to: {where}" for where in reach.idle]
    if after["failure"]:
        lines += render_failure(after, document["tree"], document["commit"])
    return lines


def say_covered(row: Row) -> str:
    """Say how far a search went: "exhaustive up to 2 preemptions: 7,436 executions"."""
    covered, random = row["covered"], row["random"]
    if row["failure"]:
        last = None if random or not covered else covered[-1]["bound"]
        needs = "" if last is None else f"with {_count(last, 'preemption')}, "
        needs = f"by a random schedule (seed {random['seed']}), " if random else needs
        return f"{needs}after {_count(row['executions'], 'execution')}"
    done = [each for each in covered if each["complete"]]
    words = [f"{say_extent(row)}: {count_executions([row])}"] if done else []
    if row["exhaustive"]:
        return words[0]
    if not row["complete"]:
        ran = covered[-1]["executions"] if covered else 0
        words.append(f"no failure in {_count(ran, 'execution')}, stopped by --time")
    if random:
        ran = _count(random["executions"], "random schedule")
        words.append(f"no failure in {ran} beyond (seed {random['seed']})")
    return "; then ".join(words)


def say_extent(row: Row) -> str:
    """Say what was searched to its end, "exhaustive up to 2 preemptions"; "" for nothing."""
    if row["exhaustive"]:
        return "every schedule"
    done = [each["bound"] for each in row["covered"] if each["complete"]]
    return f"exhaustive up to {_count(done[-1], 'preemption')}" if done else ""


def count_executions(rows: Sequence[Row]) -> str:
    """Say how many executions the last searches of these rows that came to an end took."""
    done = [[each for each in row["covered"] if each["complete"]] for row in rows]
    return _count(sum(each[-1]["executions"] for each in done if each), "execution")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def say_result(row: Row) -> str:
    """Say a row's result in one line."""
    if row["result"] == "inconclusive":
        return f"inconclusive: {'; '.join(row['reasons'])}"
    failure = row["failure"]
    how = f" ({failure['kind']}: {failure['text']})" if failure else ""
    covered = f", {say_covered(row)}" if row["covered"] else ""
    return f"{row['result']}{how}{covered}"


def render_failure(row: Row, tree: str, commit: str) -> list[str]:
    """Return what failed, the schedule, how to see it again, and the steps in columns."""
    failure = row["failure"]
    names = {int(number): name for number, name in row["threads"].items()}
    where = f" at {failure['path']}:{failure['line']}" if failure["path"] else ""
    who = names.get(failure["thread"], str(failure["thread"]))
    lines = [f"{failure['kind']}: {failure['text']}", f"in {who}{where}"]
    lines.append(f"schedule {row['schedule']}")
    lines.append(f"see it again: {replay_command(row, tree, commit)}")
    lines += render_handover(row["handover"], tree, commit)
    return [*lines, "", *render_steps(read_steps(row), names, _WIDTH)]


def replay_command(row: Row, tree: str, commit: str) -> str:
    """Return the command that runs a row's schedule again."""
    argv = ["patchbot", "sim", "--tree", tree, "--rev", commit[:12]]
    return render_command([*argv, "--scenario", row["scenario"], "--replay", row["schedule"]])


def render_ledgers(document: Mapping[str, Any]) -> str:
    """Return what each scenario is made of as text: a line for each function, by kind."""
    lines: list[str] = []
    for row in document["ledgers"]:
        ledger = row["ledger"]
        parts = read_parts(row)
        lines += ["", f"{row['scenario']}: {summarize_ledger(parts)}"]
        lines += [f"  stands in for {path}" for path in ledger["replaced"]]
        lines += [f"  defines {macro}" for macro in ledger["macros"]]
        lines += [f"  {problem}" for problem in ledger["problems"]]
        for part in parts:
            where = f" {part.path}:{part.line}" if part.path else ""
            why = f": {'; '.join(part.reasons)}" if part.reasons else ""
            lines.append(f"  {part.kind.value:<8} {part.name}(){where}{why}")
    return clean_text("\n".join(lines[1:]))
