"""Apply a revision's patches as `git am` would, without touching anything of the user's.

Mails go through `git mailinfo`, diffs through `git apply --cached` on an index that holds only
the files concerned, and the commits are written by one `git fast-import`: a few milliseconds a
patch, however large the tree is.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from patchbot.conflict import explain_failure
from patchbot.errors import GitError
from patchbot.git import Scratch, make_disk_error
from patchbot.model import Finding, Patch, Severity
from patchbot.proc import Completed

COMMITTER = "patchbot <patchbot@localhost>"
_NEW_LINK = re.compile(r"^(?:new (?:file )?mode|old mode) (120000|160000)$", re.M)
_SUBMODULE = re.compile(r"^(?:index [0-9a-f]+\.\.[0-9a-f]+ 160000|[-+]Subproject commit )", re.M)
_MODE = re.compile(r"^old mode (\d+)\nnew mode (\d+)$", re.M)
_QUOTED = re.compile(r'^"((?:[^"\\]|\\.)*)"$')
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(f"{chr(n << 16 | 0xFFFE)}{chr(n << 16 | 0xFFFF)}" for n in range(17))
    + "]"
)
_NOT_MERGED = re.compile(r"^error: .+: (?:already exists|does not exist) in index$", re.M)
_HUNK_FAILED = re.compile(r"^error: patch failed: ", re.M)
_MANY = 400
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


Entries = dict[bytes, tuple[bytes, bytes]]


@dataclass(slots=True)
class _Mailed:
    """A patch mail as `git mailinfo` reads it, and the paths that git finds in its diff."""

    author: bytes
    message: bytes
    diff: Path
    paths: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _State:
    """What is in the index now: path -> (mode, blob id)."""

    entries: Entries
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

    A patch that does not apply ends it with a finding; raises `GitError` where git itself fails,
    or the disk is full.
    """
    try:
        return _apply_all(scratch, base, patches)
    except OSError as error:
        raise make_disk_error(str(error)) from error


def _apply_all(scratch: Scratch, base: str, patches: Sequence[Patch]) -> Applied:
    state: _State | None = None
    try:
        mailed = [_read_mail(scratch, patch) for patch in patches]
        _find_paths(scratch, mailed)
        for patch, mail in zip(patches, mailed, strict=True):
            _refuse_unsafe(patch, mail)
        state = _State(_load_index(scratch, base, {path for mail in mailed for path in mail.paths}))
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
    done, message, diff = _run_mailinfo(scratch, raw)
    if done.returncode != 0:
        raise _Stop(_finding(patch, "mail-unreadable", f"git mailinfo: {done.error_text}"))
    info = _parse_info(done.stdout)
    if not diff:
        raise _Stop(_finding(patch, "no-diff", "git finds no diff in the mail"))
    text = info.get(b"Subject", b"") + b"\n\n" + message
    if b"\0" in done.stdout + text:
        raise _Stop(_finding(patch, "nul-byte", "a NUL byte in the commit message"), refused=True)
    path = scratch.folder / f"{patch.number:05d}.diff"
    path.write_bytes(diff)
    author = _as_utf8(_find_author(scratch, patch, info))
    return _Mailed(author, strip_space(_as_utf8(text)), path)


def _run_mailinfo(scratch: Scratch, raw: bytes) -> tuple[Completed, bytes, bytes]:
    """Run `git mailinfo`; returns also the message and the diff that it found.

    It writes both to files, and does not notice a full disk: half a diff may well apply. So the
    files are in memory.
    """
    with _memory_file("message") as message, _memory_file("diff") as diff:
        names = [f"/proc/{os.getpid()}/fd/{each.fileno()}" for each in (message, diff)]
        done = scratch.run("mailinfo", "--no-scissors", *names, stdin=raw, check=False)
        return done, message.read(), diff.read()


def _memory_file(name: str) -> BinaryIO:
    return open(os.memfd_create(name), "r+b")


def _parse_info(stdout: bytes) -> dict[bytes, bytes]:
    info: dict[bytes, bytes] = {}
    for line in stdout.split(b"\n"):
        key, colon, value = line.partition(b": ")
        if colon:
            info[key] = value
    return info


def _find_author(scratch: Scratch, patch: Patch, info: dict[bytes, bytes]) -> bytes:
    """Let git itself make the author line, as it does for `git am`."""
    env = {
        "GIT_AUTHOR_NAME": os.fsdecode(info.get(b"Author", b"")),
        "GIT_AUTHOR_EMAIL": os.fsdecode(info.get(b"Email", b"")),
        "GIT_AUTHOR_DATE": os.fsdecode(info.get(b"Date", b"")),
    }
    if not env["GIT_AUTHOR_DATE"] and patch.date is not None:
        env["GIT_AUTHOR_DATE"] = f"{int(patch.date.timestamp())} +0000"
    done = scratch.run("var", "GIT_AUTHOR_IDENT", env=env, check=False)
    if done.returncode != 0 or not env["GIT_AUTHOR_DATE"]:
        reason = done.error_text or "the mail has no date"
        raise _Stop(_finding(patch, "author-unusable", f"no author line can be made: {reason}"))
    return done.stdout.rstrip(b"\n")


def strip_space(text: bytes) -> bytes:
    """Clean a message as `git stripspace` does: no trailing blanks, no double empty lines."""
    lines = [line.rstrip(b" \t\r\n") for line in text.split(b"\n")]
    kept: list[bytes] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return b"\n".join(kept) + b"\n" if kept else b""


def _as_utf8(text: bytes) -> bytes:
    """Return text as valid UTF-8: bytes that are not, are taken as latin-1, as git does it.

    Code points that never stand for a character are not valid to git either.
    """
    surrogates = text.decode("utf-8", "surrogateescape")
    fixed = "".join(chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in surrogates)
    return _NONCHARACTER.sub(lambda m: m[0].encode().decode("latin-1"), fixed).encode()


def _refuse_unsafe(patch: Patch, mail: _Mailed) -> None:
    """Turn away what must never reach a tree, before git applies it, and say what it was."""
    text = _as_text(mail.diff.read_bytes())
    for path in [_as_text(path) for path in mail.paths] or _diff_paths(text):
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


def _as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _diff_paths(text: str) -> list[str]:
    """Return every path that the headers of a diff that git can't read name, unquoted."""
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


def _find_paths(scratch: Scratch, mailed: Sequence[_Mailed]) -> None:
    """Ask git for the paths, old and new, that each diff names; none for one it can't read."""
    mark = f"patchbot-{secrets.token_hex(16)}"
    end = scratch.folder / "end.diff"
    end.write_text(f"diff --git a/{mark} b/{mark}\nnew file mode 100644\nindex 0000000..e69de29\n")
    for start in range(0, len(mailed), _MANY):
        some = mailed[start : start + _MANY]
        files = [str(path) for mail in some for path in (mail.diff, end)]
        new = _numstat(scratch, files, mark.encode())
        old = _numstat(scratch, ["-R", *files], mark.encode())
        for mail, before, after in zip(some, old, new, strict=False):
            mail.paths = tuple(dict.fromkeys((*before, *after)))


def _numstat(scratch: Scratch, arguments: Sequence[str], mark: bytes) -> Iterator[list[bytes]]:
    """Yield the paths of each diff; `mark` stands behind each, and what git can't read ends it."""
    done = scratch.run("apply", "--numstat", "-z", *arguments, check=False)
    paths: list[bytes] = []
    for record in done.stdout.split(b"\0"):
        path = record.split(b"\t", 2)[-1]
        if path == mark:
            yield paths
            paths = []
        else:
            paths.append(path)


def _load_index(scratch: Scratch, base: str, paths: set[bytes]) -> Entries:
    """Fill the index with the files that the patches name, and with what stands in their way."""
    names = set(paths)
    for path in paths:
        parts = path.split(b"/")
        names.update(b"/".join(parts[:n]) for n in range(1, len(parts)))
    entries: Entries = {}
    for mode, kind, blob, path in _list_tree(scratch, base, sorted(names - {b""}), "-t"):
        if path in names and kind != b"tree":
            entries[path] = (mode, blob)
        elif path in paths:
            entries |= _first_below(scratch, base, path, paths)
    _check_blobs(scratch, entries)
    _write_index(scratch, entries)
    return entries


def _check_blobs(scratch: Scratch, entries: Entries) -> None:
    """Raise `GitError` where the tree lacks a file's content: no patch is to blame for that."""
    wanted = [(blob, path) for path, (mode, blob) in entries.items() if mode != b"160000"]
    ids = b"".join(blob + b"\n" for blob, _ in wanted)
    done = scratch.run("cat-file", "--batch-check", stdin=ids)
    for line, (_, path) in zip(done.stdout.splitlines(), wanted, strict=True):
        if line.endswith(b" missing"):
            raise GitError(
                f"the tree does not hold the content of {_as_text(path)!r}",
                hint="a partial clone lacks files: check the base out, or name a whole tree",
            )


def _list_tree(
    scratch: Scratch, base: str, names: Sequence[bytes], *options: str
) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Yield mode, kind, id and path of what stands at (and beside) `names` in the base."""
    for start in range(0, len(names), _MANY):
        done = scratch.run(
            "--literal-pathspecs", "ls-tree", "-z", "--full-tree", *options, base, "--",
            *map(os.fsdecode, names[start : start + _MANY]),
        )  # fmt: skip
        for line in done.stdout.split(b"\0")[:-1]:
            meta, _, path = line.partition(b"\t")
            mode, kind, blob = meta.split()
            yield mode, kind, blob, path


def _first_below(scratch: Scratch, base: str, folder: bytes, paths: set[bytes]) -> Entries:
    """Return a file in the folder that a patch takes for a file, so that git objects to it.

    Those that the patches name themselves don't count: they may be gone by then.
    """
    listed = _list_tree(scratch, base, [folder], "-r")
    return next(({path: (mode, blob)} for mode, _, blob, path in listed if path not in paths), {})


def _write_index(scratch: Scratch, entries: Entries) -> None:
    scratch.run("read-tree", "--empty")
    lines = [mode + b" " + blob + b"\t" + path for path, (mode, blob) in entries.items()]
    scratch.run("update-index", "-z", "--index-info", stdin=b"".join(x + b"\0" for x in lines))


def _read_index(scratch: Scratch, paths: Sequence[bytes]) -> Entries:
    """Return what the index has at `paths`."""
    chosen = [os.fsdecode(path) for path in paths] if len(paths) <= _MANY else []
    done = scratch.run("--literal-pathspecs", "ls-files", "-s", "-z", "--", *chosen)
    entries: Entries = {}
    for line in done.stdout.split(b"\0")[:-1]:
        meta, _, path = line.partition(b"\t")
        mode, blob, _ = meta.split()
        entries[path] = (mode, blob)
    return {path: entries[path] for path in paths if path in entries}


def _apply_one(scratch: Scratch, patch: Patch, mail: _Mailed, state: _State) -> None:
    """Apply one diff to the index; a 3-way merge is tried where it does not apply as it is."""
    done = scratch.run(
        "apply", "--cached", "--whitespace=nowarn", "-v", str(mail.diff), check=False
    )
    if done.returncode == 0:
        _note_modes(patch, mail, state)
        return
    if _merge(scratch, mail, done.error_text):
        state.three_way = True
        state.findings.append(_merge_finding(patch, done.error_text))
        return
    raise _Stop(explain_failure(scratch, patch, mail.diff, done.error_text))


def _merge(scratch: Scratch, mail: _Mailed, words: str) -> bool:
    """Try a 3-way merge where only hunks failed; the index is as before where that fails too.

    A file that is there already or is lacking is no matter of context: git would merge an added
    file with whatever stands in its place.
    """
    if not _HUNK_FAILED.search(words) or _NOT_MERGED.search(words):
        return False
    kept = scratch.folder / "index.before"
    shutil.copyfile(scratch.index, kept)
    merged = scratch.run(
        "apply", "--cached", "--3way", "--whitespace=nowarn", str(mail.diff), check=False
    )
    if merged.returncode != 0:
        shutil.copyfile(kept, scratch.index)
    return merged.returncode == 0


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
    text = _as_text(mail.diff.read_bytes())
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
    entries = _read_index(scratch, mail.paths)
    mark = len(state.stream) + 1
    date = mail.author.rpartition(b"> ")[2]
    chunk = [
        b"commit refs/heads/work\nmark :%d\n" % mark,
        b"author %s\n" % mail.author,
        b"committer %s %s\n" % (COMMITTER.encode(), date),
        b"data %d\n%s\n" % (len(mail.message), mail.message),
        b"from %s\n" % base.encode() if mark == 1 else b"",
    ]
    for path in mail.paths:
        if path in state.entries and path not in entries:
            del state.entries[path]
            chunk.append(b"D %s\n" % _import_path(path))
    for path, (mode, blob) in entries.items():
        if state.entries.get(path) != (mode, blob):
            chunk.append(b"M %s %s %s\n" % (mode, blob, _import_path(path)))
    state.stream.append(b"".join(chunk))
    state.entries |= entries


def _import_path(path: bytes) -> bytes:
    """Quote a path for fast-import where it needs it."""
    if path.startswith(b'"') or b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        return b'"%s"' % escaped
    return path


def _write_commits(scratch: Scratch, state: _State, count: int) -> list[str]:
    wanted = b"".join(b"get-mark :%d\n" % (n + 1) for n in range(count))
    stream = b"".join(state.stream) + wanted + b"done\n"
    done = scratch.run(
        "fast-import", "--quiet", "--done", "--date-format=raw-permissive", stdin=stream
    )
    commits = done.stdout.decode().split()
    if len(commits) != count:
        raise GitError(f"git fast-import made {len(commits)} commits of {count}")
    return commits
