"""Apply a revision's patches as `git am` would, without touching anything of the user's.

Mails go through `git mailinfo`, diffs through `git apply --cached` on an index that holds only
the files concerned, and the commits are written by one `git fast-import`: a few milliseconds a
patch, however large the tree is.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.conflict import explain_failure
from patchbot.errors import GitError
from patchbot.git import Scratch
from patchbot.mail.diff import read_diff
from patchbot.model import Finding, Patch, Severity

COMMITTER = "patchbot <patchbot@localhost>"
_NEW_LINK = re.compile(r"^(?:new (?:file )?mode|old mode) (120000|160000)$", re.M)
_SUBMODULE = re.compile(r"^(?:index [0-9a-f]+\.\.[0-9a-f]+ 160000|[-+]Subproject commit )", re.M)
_MODE = re.compile(r"^old mode (\d+)\nnew mode (\d+)$", re.M)
_QUOTED = re.compile(r'^"((?:[^"\\]|\\.)*)"$')
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome for one revision.

    `commits` holds one id for each patch that applied, in order; `tree` is the last one's tree,
    empty unless all applied. `refused` says that a patch was turned away for safety.
    """

    commits: tuple[str, ...]
    tree: str
    findings: tuple[Finding, ...]
    failed: int | None = None
    refused: bool = False
    three_way: bool = False


@dataclass(slots=True)
class _Mailed:
    """A patch mail as `git mailinfo` reads it."""

    author: str
    message: bytes
    diff: Path


@dataclass(slots=True)
class _State:
    """What is in the index now: path -> (mode, blob id)."""

    entries: dict[bytes, tuple[bytes, bytes]]
    stream: list[bytes] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    three_way: bool = False


class _Stop(Exception):
    """A patch can't be applied; carries the finding and whether it was refused."""

    def __init__(self, finding: Finding, *, refused: bool = False) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.refused = refused


def apply_patches(scratch: Scratch, base: str, patches: Sequence[Patch]) -> Applied:
    """Apply `patches` in order onto the commit `base`, inside `scratch`.

    A patch that does not apply ends it with a finding; raises `GitError` where git itself fails.
    """
    mailed: list[_Mailed] = []
    state: _State | None = None
    try:
        for patch in patches:
            mailed.append(_read_mail(scratch, patch))
        state = _State(_load_index(scratch, base, _paths(mailed)))
        for patch, mail in zip(patches, mailed, strict=True):
            _apply_one(scratch, patch, mail, state)
            _record(scratch, state, mail, base)
    except _Stop as stop:
        before = tuple(state.findings) if state else ()
        return Applied((), "", (*before, stop.finding), stop.finding.patch, stop.refused)
    commits = _write_commits(scratch, state, len(patches))
    tree = scratch.run("rev-parse", f"{commits[-1]}^{{tree}}").stdout.decode().strip()
    return Applied(tuple(commits), tree, tuple(state.findings), three_way=state.three_way)


def _finding(patch: Patch, rule: str, message: str, **more: str | int | None) -> Finding:
    named = f"patch {patch.number} ({patch.title[:60]}): {message}"
    return Finding(rule, Severity.ERROR, named, patch=patch.number, **more)  # type: ignore[arg-type]


def _read_mail(scratch: Scratch, patch: Patch) -> _Mailed:
    """Split one mail into author, message and diff with `git mailinfo`, and check the diff."""
    raw = patch.mail.raw.replace(b"\r\n", b"\n")
    if not raw:
        raise GitError(f"the mail of patch {patch.number} was not kept")
    if any("MiB" in problem for problem in patch.mail.problems):
        raise _Stop(_finding(patch, "mail-too-large", "; ".join(patch.mail.problems)), refused=True)
    stem = scratch.folder / f"{patch.number:05d}"
    message, diff = stem.with_suffix(".msg"), stem.with_suffix(".diff")
    done = scratch.run(
        "mailinfo", "--no-scissors", str(message), str(diff),
        stdin=raw, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise _Stop(_finding(patch, "mail-unreadable", f"git mailinfo: {done.error_text}"))
    info = _parse_info(done.stdout)
    if not diff.stat().st_size:
        raise _Stop(_finding(patch, "no-diff", "git finds no diff in the mail"))
    _refuse_unsafe(patch, diff)
    text = info.get(b"Subject", b"") + b"\n\n" + message.read_bytes()
    if b"\0" in text:
        raise _Stop(_finding(patch, "nul-byte", "a NUL byte in the commit message"), refused=True)
    return _Mailed(_find_author(scratch, patch, info), strip_space(_as_utf8(text)), diff)


def _parse_info(stdout: bytes) -> dict[bytes, bytes]:
    info: dict[bytes, bytes] = {}
    for line in stdout.split(b"\n"):
        key, colon, value = line.partition(b": ")
        if colon:
            info[key] = value
    return info


def _find_author(scratch: Scratch, patch: Patch, info: dict[bytes, bytes]) -> str:
    """Let git itself make the author line, as it does for `git am`."""
    env = {
        "GIT_AUTHOR_NAME": info.get(b"Author", b"").decode("utf-8", "surrogateescape"),
        "GIT_AUTHOR_EMAIL": info.get(b"Email", b"").decode("utf-8", "surrogateescape"),
        "GIT_AUTHOR_DATE": info.get(b"Date", b"").decode("utf-8", "surrogateescape"),
    }
    if not env["GIT_AUTHOR_DATE"] and patch.date is not None:
        env["GIT_AUTHOR_DATE"] = f"{int(patch.date.timestamp())} +0000"
    done = scratch.run("var", "GIT_AUTHOR_IDENT", env=env, check=False)
    if done.returncode != 0 or not env["GIT_AUTHOR_DATE"]:
        reason = done.error_text or "the mail has no date"
        raise _Stop(_finding(patch, "author-unusable", f"no author line can be made: {reason}"))
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def strip_space(text: bytes) -> bytes:
    """Clean a message as `git stripspace` does: no trailing blanks, no double empty lines."""
    lines = [line.rstrip(b" \t\r\n\v\f") for line in text.split(b"\n")]
    kept: list[bytes] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return b"\n".join(kept) + b"\n" if kept else b""


def _as_utf8(text: bytes) -> bytes:
    """Return text as valid UTF-8: bytes that are not, are taken as latin-1, as git does it."""
    try:
        text.decode("utf-8")
        return text
    except UnicodeDecodeError:
        surrogates = text.decode("utf-8", "surrogateescape")
        fixed = [chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in surrogates]
        return "".join(fixed).encode("utf-8")


def _refuse_unsafe(patch: Patch, diff: Path) -> None:
    """Turn away what must never reach a tree, before git sees it, and say what it was."""
    text = diff.read_bytes().decode("utf-8", "surrogateescape")
    for path in _diff_paths(text):
        reason = find_unsafe(path)
        if reason:
            raise _Stop(
                _finding(patch, "unsafe-path", f"refused, {reason}: {path!r}"), refused=True
            )
    link = _NEW_LINK.search(text)
    if _SUBMODULE.search(text) or (link and link.group(1) == "160000"):
        raise _Stop(_finding(patch, "submodule", "refused, it adds a submodule"), refused=True)


def find_unsafe(path: str) -> str | None:
    """Say why a path may not be written to, None for a harmless one."""
    parts = re.split(r"[/\\]", path)
    if path.startswith("/") or re.match(r"^[A-Za-z]:[\\/]", path):
        return "an absolute path"
    if ".." in parts:
        return "a path that leaves the tree"
    if any(
        re.sub(r"[\u200c-\u206f\ufeff]", "", p).casefold().rstrip(". ") in (".git", "git~1")
        for p in parts
    ):
        return "a path into .git"
    if "\0" in path:
        return "a path with a NUL byte"
    return None


def _diff_paths(text: str) -> list[str]:
    """Return every path that a diff's headers name, unquoted."""
    found: dict[str, None] = {}
    headers = text.split("\n")
    for number, line in enumerate(headers):
        if line.startswith(("rename from ", "rename to ", "copy from ", "copy to ")):
            found[_unquote(line.split(" ", 2)[2])] = None
        elif line.startswith(("--- ", "+++ ")) and _in_header(headers, number):
            path = _unquote(line[4:].split("\t")[0].rstrip("\r"))
            if path != "/dev/null":
                found[path[2:] if path.startswith(("a/", "b/")) else path] = None
        elif line.startswith("diff --git "):
            found.update(dict.fromkeys(_git_header_paths(line[len("diff --git ") :])))
    return [path for path in found if path]


def _in_header(lines: list[str], number: int) -> bool:
    """Whether a `---` or `+++` line is a file header, not a changed line that looks like one."""
    if lines[number].startswith("+++ "):
        return number > 0 and lines[number - 1].startswith("--- ")
    return number + 1 < len(lines) and lines[number + 1].startswith("+++ ")


def _git_header_paths(text: str) -> list[str]:
    if text.startswith('"'):
        halves = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', text)
        return [_unquote(half)[2:] for half in halves]
    half = len(text) // 2
    if len(text) % 2 and text[2:half] == text[half + 3 :]:
        return [text[2:half]]
    found = re.match(r"a/(.+?) \"?b/(.+?)\"?$", text)
    return list(found.groups()) if found else []


def _unquote(text: str) -> str:
    """Undo git's C-style quoting of a path."""
    quoted = _QUOTED.match(text.strip())
    if not quoted:
        return text
    raw = re.sub(
        r"\\([0-7]{3}|.)",
        lambda m: chr(int(m[1], 8)) if len(m[1]) == 3 else _ESCAPES.get(m[1], m[1]),
        quoted.group(1),
    )
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _paths(mailed: Sequence[_Mailed]) -> list[str]:
    found: dict[str, None] = {}
    for mail in mailed:
        text = mail.diff.read_bytes().decode("utf-8", "surrogateescape")
        found.update(dict.fromkeys(_diff_paths(text)))
        found.update(dict.fromkeys(read_diff(text).paths))
    return list(found)


def _load_index(
    scratch: Scratch, base: str, paths: Sequence[str]
) -> dict[bytes, tuple[bytes, bytes]]:
    """Fill the index with the files that the patches name, and with what stands in their way."""
    names = dict.fromkeys(paths)
    for name in paths:
        parts = name.split("/")
        names.update(dict.fromkeys("/".join(parts[:n]) for n in range(1, len(parts))))
    entries: dict[bytes, tuple[bytes, bytes]] = {}
    listing = scratch.run(
        "--literal-pathspecs", "ls-tree", "-z", "--full-tree", base, "--", *(n for n in names if n)
    )
    trees = []
    for line in listing.stdout.split(b"\0"):
        meta, tab, path = line.partition(b"\t")
        if not tab:
            continue
        mode, kind, blob = meta.split()
        if kind == b"tree":
            trees.append(path)
        else:
            entries[path] = (mode, blob)
    entries |= _first_below(scratch, base, [t for t in trees if _surrogate(t) in set(paths)])
    _write_index(scratch, entries)
    return entries


def _surrogate(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _first_below(
    scratch: Scratch, base: str, folders: Sequence[bytes]
) -> dict[bytes, tuple[bytes, bytes]]:
    """Return one file of each folder that a patch takes for a file, so that git objects to it."""
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for folder in folders:
        listing = scratch.run("ls-tree", "-z", "-r", "--full-tree", base, "--", _surrogate(folder))
        meta, _, path = listing.stdout.split(b"\0")[0].partition(b"\t")
        mode, _, blob = meta.split()
        found[path] = (mode, blob)
    return found


def _write_index(scratch: Scratch, entries: dict[bytes, tuple[bytes, bytes]]) -> None:
    scratch.run("read-tree", "--empty")
    lines = [mode + b" " + blob + b"\t" + path for path, (mode, blob) in entries.items()]
    scratch.run("update-index", "-z", "--index-info", stdin=b"".join(x + b"\0" for x in lines))


def _read_index(scratch: Scratch) -> dict[bytes, tuple[bytes, bytes]]:
    entries: dict[bytes, tuple[bytes, bytes]] = {}
    for line in scratch.run("ls-files", "-s", "-z").stdout.split(b"\0"):
        meta, tab, path = line.partition(b"\t")
        if tab:
            mode, blob, _ = meta.split()
            entries[path] = (mode, blob)
    return entries


def _apply_one(scratch: Scratch, patch: Patch, mail: _Mailed, state: _State) -> None:
    """Apply one diff to the index; a 3-way merge is tried where it does not apply as it is."""
    kept = scratch.folder / "index.before"
    shutil.copyfile(scratch.index, kept)
    done = scratch.run(
        "apply", "--cached", "--whitespace=nowarn", "-v", str(mail.diff), check=False
    )
    if done.returncode == 0:
        _note_modes(patch, mail, state)
        return
    shutil.copyfile(kept, scratch.index)
    merged = scratch.run(
        "apply", "--cached", "--3way", "--whitespace=nowarn", str(mail.diff), check=False
    )
    if merged.returncode == 0:
        state.three_way = True
        state.findings.append(_merge_finding(patch, done.error_text))
        return
    shutil.copyfile(kept, scratch.index)
    raise _Stop(explain_failure(scratch, patch, mail.diff, done.error_text))


def _merge_finding(patch: Patch, words: str) -> Finding:
    return Finding(
        "needs-3way-merge",
        Severity.WARNING,
        f"patch {patch.number} ({patch.title[:60]}) applies only with a 3-way merge: "
        "its context has changed",
        patch=patch.number,
        evidence=words[-2000:],
    )


def _note_modes(patch: Patch, mail: _Mailed, state: _State) -> None:
    """Report what a reviewer would want to know of: links, mode changes, binary content."""
    text = mail.diff.read_bytes().decode("utf-8", "surrogateescape")
    notes = [f"changes a mode from {old} to {new}" for old, new in _MODE.findall(text)]
    if _NEW_LINK.search(text):
        notes.append("adds or changes a symbolic link")
    if "\nGIT binary patch\n" in text:
        notes.append("carries binary content")
    for note in notes:
        state.findings.append(
            Finding(
                "unusual-content", Severity.NOTE,
                f"patch {patch.number} ({patch.title[:60]}) {note}", patch=patch.number,
            )
        )  # fmt: skip


def _record(scratch: Scratch, state: _State, mail: _Mailed, base: str) -> None:
    """Add one commit, with the files that changed in the index, to the fast-import stream."""
    entries = _read_index(scratch)
    mark = len(state.stream) + 1
    chunk = [
        b"commit refs/heads/work\nmark :%d\n" % mark,
        b"author %s\n" % mail.author.encode("utf-8", "surrogateescape"),
        b"committer %s %s\n" % (COMMITTER.encode(), mail.author.rpartition("> ")[2].encode()),
        b"data %d\n%s\n" % (len(mail.message), mail.message),
        b"from %s\n" % base.encode() if mark == 1 else b"",
    ]
    chunk += [b"D %s\n" % _import_path(path) for path in state.entries if path not in entries]
    for path, (mode, blob) in entries.items():
        if state.entries.get(path) != (mode, blob):
            chunk.append(b"M %s %s %s\n" % (mode, blob, _import_path(path)))
    state.stream.append(b"".join(chunk))
    state.entries = entries


def _import_path(path: bytes) -> bytes:
    """Quote a path for fast-import where it needs it."""
    if path.startswith(b'"') or b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        return b'"%s"' % escaped
    return path


def _write_commits(scratch: Scratch, state: _State, count: int) -> list[str]:
    wanted = b"".join(b"get-mark :%d\n" % (n + 1) for n in range(count))
    stream = b"".join(state.stream) + wanted + b"done\n"
    done = scratch.run("fast-import", "--quiet", "--done", "--date-format=raw", stdin=stream)
    commits = done.stdout.decode().split()
    if len(commits) != count:
        raise GitError(f"git fast-import made {len(commits)} commits of {count}")
    return commits
