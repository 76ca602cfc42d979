"""The base's semantic patches (scripts/coccinelle), in report mode, on every changed C file."""

from __future__ import annotations

import concurrent.futures
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchbot.errors import CancelledError, ProcessError
from patchbot.proc import PROCESSES, carried, count_cores
from patchbot.sandbox import run_sandboxed
from patchbot.static.sources import CommitSources
from patchbot.tools.messages import Message, parse_cocci
from patchbot.tools.runs import Heard, ToolRun
from patchbot.tools.trim import trim_versions
from patchbot.tools.versions import explain_absent, find_version

SCRIPTS = "scripts/coccinelle"
_REPORT = re.compile(r"^virtual\s+(?:\w+\s*,\s*)*report\b", re.M)
_OPTIONS = re.compile(r"^//[/ \t]*Options:[ \t]*(.*)$", re.M)
_SCRIPT_S = 12.0
_FILE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Script:
    path: Path
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one script said, by the file's name in the folder; None where it gave no answer."""

    script: _Script
    messages: list[Message] | None


def run_coccinelle(
    source: Path, trail: Sequence[CommitSources], paths: Sequence[str], folder: Path
) -> ToolRun:
    """Run every script once over all versions of the changed files, written to `folder`.

    A semantic patch sees one file at a time, so equal versions in several commits are one.
    """
    tool = "coccinelle"
    version = find_version("spatch")
    if version is None:
        return ToolRun(tool, absent=explain_absent("spatch"))
    scripts = _find_scripts(source / SCRIPTS)
    if not scripts:
        return ToolRun(tool, absent=f"the base has no {SCRIPTS}")
    versions = _write_versions(trail, paths, folder)
    if not versions:
        return ToolRun(tool, absent="no C file is changed")
    answers = _ask(scripts, sorted(set(versions.values())), source, folder)
    silent = [answer.script.name for answer in answers if answer.messages is None]
    version = f"{version}, {len(scripts) - len(silent)} of {len(scripts)} semantic patches"
    if len(silent) == len(scripts):
        return ToolRun(tool, version, failed=f"no semantic patch runs; the first is {silent[0]}")
    partly = f"no answer from {', '.join(sorted(silent))}" if silent else ""
    return ToolRun(tool, version, _by_commit(answers, versions, len(trail)), partly=partly)


def _find_scripts(folder: Path) -> list[_Script]:
    found: list[_Script] = []
    for path in sorted(folder.rglob("*.cocci")):
        text = path.read_text("utf-8", "replace")
        if _REPORT.search(text):
            options = _OPTIONS.search(text)
            words = shlex.split(options[1]) if options else []
            found.append(_Script(path, tuple(words)))
    return found


def _write_versions(
    trail: Sequence[CommitSources], paths: Sequence[str], folder: Path
) -> dict[tuple[int, str], str]:
    """Write every version of the files once; returns its name by commit and path."""
    names: dict[tuple[int, str], str] = {}
    for path in (path for path in paths if path.endswith(".c")):
        blobs = [sources.blob_of(path) for sources in trail]
        found = dict(zip(blobs, (sources.read(path) for sources in trail), strict=True))
        texts = {blob: data for blob, data in found.items() if blob and data is not None}
        trimmed = trim_versions(path, list(texts.values()))
        for blob, data in zip(texts, trimmed, strict=True):
            target = folder / blob[:16] / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        for number, name in enumerate(blobs):
            if name in texts:
                names[number, path] = f"{name[:16]}/{path}"
    return names


def _ask(
    scripts: Sequence[_Script], names: Sequence[str], source: Path, folder: Path
) -> list[_Answer]:
    workers = count_cores()
    with concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="spatch") as pool:
        ask = carried(lambda script: _ask_one(script, names, source, folder))
        return list(pool.map(ask, scripts))


def _ask_one(script: _Script, names: Sequence[str], source: Path, folder: Path) -> _Answer:
    PROCESSES.check()
    argv = ["spatch", "-D", "report", "--very-quiet", "--cocci-file", str(script.path)]
    argv += [*script.options, "-I", str(source / "include"), *names]
    limit = _SCRIPT_S + _FILE_S * len(names)
    try:
        done = run_sandboxed(argv, readable=[source, folder], cwd=folder, timeout_s=limit)
    except CancelledError:
        raise
    except ProcessError:
        return _Answer(script, None)
    if done.returncode != 0:
        return _Answer(script, None)
    text = done.stdout.decode("utf-8", "replace")
    return _Answer(script, parse_cocci(text, script.name, str(folder)))


def _by_commit(
    answers: Sequence[_Answer], versions: Mapping[tuple[int, str], str], count: int
) -> tuple[Heard, ...]:
    said: dict[str, list[Message]] = {}
    for answer in answers:
        for message in answer.messages or ():
            said.setdefault(message.file, []).append(message)
    heard: list[list[Message]] = [[] for _ in range(count)]
    for (number, path), name in versions.items():
        heard[number] += [replace(message, file=path) for message in said.get(name, ())]
    return tuple(Heard(tuple(each)) for each in heard)
