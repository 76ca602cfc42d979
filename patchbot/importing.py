"""Make a git tree of sources that come as an archive or a folder: one commit on a branch.

It is made beside its place under another name, and renamed in the end: what stands there is whole.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
import os
import posixpath
import re
import shutil
import stat
import tarfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from patchbot.errors import TreeError
from patchbot.git import clean_environment
from patchbot.proc import PROCESSES, run_program

_BRANCH = "refs/heads/master"
_BY = b"patchbot <patchbot@localhost> 0 +0000"
_FORMATS = ((b"\xfd7zXZ\0", lzma.open), (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open))
_RECORD = "patchbot-import.json"
_ENDINGS = re.compile(r"\.(?:tar\.(?:xz|gz|bz2)|tar|tgz|txz|tbz2?)$")
Wanted = Callable[[str], bool]
Tick = Callable[[int, float], None]
_Entry = tuple[str, bytes, bytes, float]


@dataclass(frozen=True, slots=True)
class Imported:
    """A git tree made of sources: the bare repository, its commit, how many files it has."""

    repository: Path
    commit: str
    files: int


def import_archive(
    source: Path,
    repository: Path,
    *,
    wanted: Wanted = lambda path: True,
    tick: Tick = lambda count, share: None,
    required: Collection[str] = (),
) -> Imported:
    """Make a bare repository of a tar archive's files, or a folder's.

    The archive's first folder is dropped. Equal files give equal commits. `wanted` chooses among
    the paths, `tick` is told how many files there are so far, and which share of the source (0 to
    1) was read. Raises `TreeError` for a source that can't be read, holds nothing, or lacks one of
    the `required` files; then, and when stopped, no repository is left.
    """
    if repository.exists():
        raise TreeError(f"{repository} is there already", hint="name a folder that is not there")
    part = repository.with_name(f"{repository.name}.part-{os.getpid()}")
    try:
        repository.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name another folder behind the source"
        raise TreeError(f"{repository}: {error.strerror}", hint=hint) from error
    try:
        shutil.rmtree(part, ignore_errors=True)
        _sweep(repository)
        commit, paths = _import(source, part, wanted, tick)
        lacking = sorted(set(required) - paths)
        if not paths or lacking:
            words = f"has no {' and no '.join(lacking)} at its top" if paths else "holds no files"
            raise TreeError(f"{source} {words}", hint="name an archive of a kernel's sources")
        _write_record(part, source, commit, len(paths))
        part.rename(repository)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError | tarfile.TarError | EOFError | lzma.LZMAError):
            raise TreeError(f"{source}: {error}") from error
        raise
    return Imported(repository, commit, len(paths))


def find_import(source: Path, repository: Path) -> Imported | None:
    """Return what was imported earlier, where it was made of this very source, else None.

    Of an archive its size and time tell, of a folder its path alone.
    """
    try:
        known = json.loads((repository / _RECORD).read_text("utf-8"))
        if known["source"] == _identify(source):
            return Imported(repository, str(known["commit"]), int(known["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def name_import(source: Path) -> str:
    """Return the name of the repository that a source makes: its own, with ".git" as its end."""
    return f"{_ENDINGS.sub('', source.resolve().name)}.git"


def _identify(source: Path) -> list[object]:
    found = source.stat()
    if source.is_dir():
        return [str(source.resolve())]
    return [source.name, found.st_size, found.st_mtime_ns]


def _write_record(repository: Path, source: Path, commit: str, files: int) -> None:
    known = {"source": _identify(source), "commit": commit, "files": files}
    (repository / _RECORD).write_text(json.dumps(known), "utf-8")


def _sweep(repository: Path) -> None:
    """Remove what imports to this place left that were killed."""
    for path in repository.parent.glob(f"{repository.name}.part-*"):
        number = path.name.rpartition("-")[2]
        with contextlib.suppress(ValueError, PermissionError):
            try:
                os.kill(int(number), 0)
            except ProcessLookupError:
                shutil.rmtree(path, ignore_errors=True)


def _import(
    source: Path, repository: Path, wanted: Wanted, tick: Tick
) -> tuple[str, frozenset[str]]:
    done = run_program(
        ["git", "init", "-q", "--bare", "--initial-branch=master", str(repository)],
        env=clean_environment(),
    )
    if done.returncode != 0:
        raise TreeError(f"git can't make {repository}: {done.error_text}")
    argv = ["git", "-c", "core.compression=1", f"--git-dir={repository}"]
    argv += ["fast-import", "--quiet", "--done"]
    with PROCESSES.started(argv, clean_environment(), None) as process:
        assert process.stdin is not None
        entries = _folder_entries(source) if source.is_dir() else _archive_entries(source)
        paths: frozenset[str] = frozenset()
        with contextlib.suppress(BrokenPipeError):
            paths = _feed(process.stdin, entries, source.resolve().name, wanted, tick)
        if process.wait() != 0:
            words = process.stderr.read() if process.stderr is not None else b""
            raise TreeError(f"git fast-import failed: {words.decode('utf-8', 'replace').strip()}")
    named = run_program(
        ["git", f"--git-dir={repository}", "rev-parse", _BRANCH], env=clean_environment()
    )
    return named.stdout.decode().strip(), paths


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """Read an archive without its compression; unlike tarfile's own, these tell a short file."""
    head = file.read(6)
    file.seek(0)
    for magic, unpacker in _FORMATS:
        if head.startswith(magic):
            return cast(IO[bytes], unpacker(file))
    return file


def _feed(
    out: IO[bytes], entries: Iterator[_Entry], name: str, wanted: Wanted, tick: Tick
) -> frozenset[str]:
    """Write a commit of all files that are wanted; returns their paths."""
    message = f"Sources of {name}\n".encode()
    out.write(b"commit %s\ncommitter %s\n" % (_BRANCH.encode(), _BY))
    out.write(b"data %d\n%s" % (len(message), message))
    paths: set[str] = set()
    for path, mode, data, share in entries:
        PROCESSES.check()
        if not wanted(path):
            continue
        out.write(b"M %s inline %s\ndata %d\n" % (mode, _quote(path), len(data)))
        out.write(data + b"\n")
        paths.add(path)
        tick(len(paths), share)
    out.write(b"\ndone\n")
    out.close()
    return frozenset(paths)


def _archive_entries(archive: Path) -> Iterator[_Entry]:
    """Yield path, git's mode and content of every file and symbolic link, and the share read."""
    with archive.open("rb") as file:
        size = os.fstat(file.fileno()).st_size or 1
        with _unpacked(file) as plain, tarfile.open(fileobj=plain, mode="r|") as files:
            for each in files:
                path = posixpath.normpath(each.name).partition("/")[2]
                if ".." in each.name.split("/") or path.partition("/")[0] == ".git" or not path:
                    continue
                if each.issym():
                    target = each.linkname.encode("utf-8", "surrogateescape")
                    yield path, b"120000", target, file.tell() / size
                elif each.isfile() and (data := files.extractfile(each)) is not None:
                    yield path, _mode(each.mode), data.read(), file.tell() / size


def _folder_entries(folder: Path) -> Iterator[_Entry]:
    """Yield the same of a folder's files; raises `TreeError` for one that is a git tree."""
    if (folder / ".git").exists():
        raise TreeError(f"{folder} is a git tree already", hint="name it with --tree")
    listed = sorted(
        Path(top, name) for top, inner, names in os.walk(folder)
        for name in [*names, *(each for each in inner if Path(top, each).is_symlink())]
    )  # fmt: skip
    for number, path in enumerate(listed, 1):
        name, share = path.relative_to(folder).as_posix(), number / len(listed)
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            yield name, b"120000", os.fsencode(path.readlink()), share
        elif stat.S_ISREG(found.st_mode):
            yield name, _mode(found.st_mode), path.read_bytes(), share


def _mode(bits: int) -> bytes:
    return b"100755" if bits & stat.S_IXUSR else b"100644"


def _quote(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    if not any(byte in raw for byte in b'\n"\\ '):
        return raw
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
