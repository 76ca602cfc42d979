"""A kernel tree as far as the tables of facts need it: its version, words and declarations."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
_MAIN = ("fs", "mm", "include", "block", "kernel", "lib")
_VOCABULARY = ("include/linux/**/*.h", "fs/*.c", "fs/ext4/*.[ch]", "fs/jbd2/*.c", "mm/*.c")
_HEAD = r"[A-Za-z_](?:[^\n;{}()=#]|\([^()\n]*\))*?"
_NO_TYPE = re.compile(
    r"\b(?:static|extern|inline|__inline__|__always_inline|noinline|const|volatile|register"
    r"|__must_check|__user|__init|__cold|__printf\(.*?\)|__malloc|__alloc_size\(.*?\)|notrace|asmlinkage"
    r"|__sched|__lockfunc|noinline_for_stack)\b"
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """How a function or macro is declared; `types` and `returns` are "" where none is known.

    `some` is whether a variable number of further arguments may follow.
    """

    types: tuple[str, ...]
    returns: str
    some: bool


@dataclass(slots=True)
class Tree:
    """A kernel tree; `version` as sources cite it, such as "v6.1"."""

    path: Path
    version: str
    texts: dict[str, str | None] = field(default_factory=dict)
    words: dict[str, frozenset[str]] = field(default_factory=dict)

    def text_of(self, file: str) -> str | None:
        """Return a file's text without its comments, None where there is no such file."""
        if file not in self.texts:
            where = self.path / file
            text = where.read_text("utf-8", "replace") if where.is_file() else None
            is_code = text is not None and file.endswith((".c", ".h"))
            self.texts[file] = _COMMENT.sub(" ", text) if is_code and text else text
        return self.texts[file]

    def words_of(self, file: str) -> frozenset[str] | None:
        """Return the words of a file, None where there is no such file."""
        text = self.text_of(file)
        if text is None:
            return None
        if file not in self.words:
            self.words[file] = frozenset(_WORD.findall(text))
        return self.words[file]

    def declared(self, name: str, files: Iterable[str]) -> list[Declaration]:
        """Return the declarations of a function or macro in some files."""
        found = []
        for file in files:
            words = self.words_of(file) if file.endswith((".c", ".h")) else None
            if words is not None and name in words:
                found += list(_declarations(name, self.text_of(file) or ""))
        return found

    def vocabulary(self) -> frozenset[str]:
        """Return all words of headers and of the write path's sources."""
        paths = [path for part in _VOCABULARY for path in sorted(self.path.glob(part))]
        files = (str(path.relative_to(self.path)) for path in paths)
        return frozenset().union(*(self.words_of(file) or () for file in files))

    def has_anywhere(self, names: Iterable[str]) -> set[str]:
        """Return those of some names that stand as words anywhere in the tree's main folders."""
        wanted = sorted(set(names))
        folders = [name for name in _MAIN if (self.path / name).is_dir()]
        if not wanted or not folders:
            return set()
        command = ["grep", "-rhowF", "--include=*.[ch]", "-f", "-", *folders]
        made = subprocess.run(
            command, cwd=self.path, input="\n".join(wanted), capture_output=True, text=True,
            errors="replace", check=False,
        )  # fmt: skip
        return set(made.stdout.split())


def read_tree(path: Path) -> Tree:
    """Return a tree with its version; raises `OSError` or `ValueError` where it is none."""
    text = (path / "Makefile").read_text("utf-8")
    found = re.findall(r"^(?:VERSION|PATCHLEVEL) *= *(\d+)$", text, re.M)
    if len(found) != 2:
        raise ValueError(f"{path}: its Makefile names no kernel version")
    return Tree(path, f"v{found[0]}.{found[1]}")


def _declarations(name: str, text: str) -> Iterator[Declaration]:
    """Yield what a text declares by a name: a macro, a function, or a macro that is another."""
    define = rf"^[ \t]*#[ \t]*define[ \t]+{name}"
    for match in re.finditer(rf"{define}\(([^)]*)\)", text, re.M):
        names = [each.strip() for each in match.group(1).split(",") if each.strip()]
        fixed = [each for each in names if "..." not in each]
        yield Declaration(("",) * len(fixed), "", len(fixed) < len(names))
    for match in re.finditer(rf"{define}[ \t]+(\w+)[ \t]*$", text, re.M):
        if match.group(1) != name:
            yield from _declarations(match.group(1), text)
    for match in re.finditer(rf"^((?:{_HEAD}[\s*])??){name}[ \t]*\(", text, re.M):
        arguments = _arguments(text, match.end())
        if arguments is not None:
            head = match.group(1).strip() or text[: match.start()].rstrip().rpartition("\n")[2]
            types = tuple(type_of(each) for each in arguments if each not in ("void", "..."))
            yield Declaration(types, type_of(f"{head} x"), "..." in arguments)


def _arguments(text: str, start: int) -> list[str] | None:
    """Return what stands between a call's or declaration's parentheses, split at its commas."""
    depth, parts, last = 1, [], start
    for match in re.compile(r"[(),]").finditer(text, start, start + 4000):
        depth += {"(": 1, ")": -1, ",": 0}[match.group()]
        if depth == 0 or (depth == 1 and match.group() == ","):
            parts.append(text[last : match.start()].strip())
            last = match.end()
        if depth == 0:
            return [each for each in parts if each]
    return None


def type_of(declared: str) -> str:
    """Return the type of a parameter, in one spelling: "struct page *"."""
    text = " ".join(_NO_TYPE.sub(" ", declared).replace("*", " * ").split())
    words = text.split(" ")
    plain = [word for word in words if word != "*" and not word.startswith("[")]
    if words[-1] != "*" and len(plain) > 1 + (plain[0] in ("struct", "union", "enum")):
        words = words[:-1]
    base = " ".join(word for word in words if word != "*")
    stars = "*" * (words.count("*") + declared.count("[]"))
    return f"{base} {stars}".strip()
