"""The model as gcc sees it: the text that the front end reads, with all of gcc's usual warnings.

Of a stand-in `instead_of_NAME` gcc also compares the type with the tree's NAME, where that is
declared. It may take fewer arguments than the tree passes, and may return what nobody looks at.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from kernel_sim.cfront.preprocess import Source
from kernel_sim.kit import Kit
from kernel_sim.program import _own_source, _prepare
from kernel_sim.scenario import Scenario, load_scenarios

from tests.support.require import require

_FLAGS = ["-xcpp-output", "-S", "-o/dev/null", "-std=gnu11", "-fno-builtin", "-fms-extensions"]
_PLACE = re.compile(r"<stdin>:(\d+):\d+: (error|warning|note): (.*)")
_STAND_IN = re.compile(r"\binstead_of_(\w+)\(")
_TYPES = re.compile(r"conflicting types for ‘(\w+)’; have ‘(.*?)’")
_BEFORE = re.compile(r"previous (?:declaration|definition) of ‘\w+’ with type ‘(.*?)’")
_OURS = "<sim>/"
PROTOTYPES = "prototypes"
"""What stands for the file in complaints about the type of a stand-in."""


File = tuple[Path, Scenario | None]
"""A C file of the model, and the scenario that it is one of."""


def model_files(kit: Kit) -> list[File]:
    """All of a kit, and all scenarios."""
    own: list[File] = [(path, None) for path in kit.model_files()]
    return [*own, *((each.source, each) for each in load_scenarios().values())]


def complaints(tree: Path, kit: Kit, cache: Path, files: Iterable[File]) -> list[str]:
    """What gcc says against files of the model on a tree, as "path:line: text"."""
    work = _prepare(tree.resolve(), kit, cache)
    found: dict[str, None] = {}
    for path, scenario in files:
        found.update(dict.fromkeys(_complaints(_own_source(work, path, scenario))))
    return list(found)


def _complaints(source: Source) -> Iterator[str]:
    lines = source.text.count("\n") + 1
    names = dict.fromkeys(_STAND_IN.findall(source.text))
    same = "".join(f"\nextern typeof(instead_of_{name}) {name};" for name in names)
    said = _run_gcc(source.text + same + "\n")
    for at, (line, kind, text) in enumerate(said):
        if line > lines:
            if kind == "error" and not _fits(text, said[at + 1][2] if at + 1 < len(said) else ""):
                yield f"{PROTOTYPES}: {text}"
            continue
        path, number = source.origin(line - 1)
        if kind == "error" or (kind == "warning" and path.startswith(_OURS)):
            yield f"{path}:{number}: {text}"


def _run_gcc(text: str) -> list[tuple[int, str, str]]:
    command = [str(require("gcc")), *_FLAGS, "-Wall", "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"}
    )
    found = [(int(m[1]), m[2], m[3]) for m in map(_PLACE.match, done.stderr.splitlines()) if m]
    assert (done.returncode != 0) == any(kind == "error" for _, kind, _ in found), done.stderr
    return found


def _fits(conflict: str, before: str) -> bool:
    """Whether the type of a stand-in will do for what gcc says was declared before it."""
    ours, theirs = _TYPES.match(conflict), _BEFORE.match(before)
    if ours is None or theirs is None:
        return False
    (returned, taken), (wanted, passed) = (_split(one) for one in (ours[2], theirs[1]))
    return returned in (wanted, *([returned] if wanted == "void" else [])) and (
        passed[: len(taken)] == taken
    )


def _split(function: str) -> tuple[str, list[str]]:
    """The type that a function returns, and those of what it takes; of no function of functions."""
    returned, _, taken = function.rstrip(")").partition("(")
    listed = [one.strip() for one in taken.split(",")]
    return returned.strip(), [] if listed == ["void"] else listed
