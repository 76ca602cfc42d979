"""Make a git tree of kernel sources that come as an archive: one commit on a branch of its own."""

from __future__ import annotations

import bz2
import gzip
import lzma
import posixpath
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from patchbot.errors import TreeError
from patchbot.git import clean_environment
from patchbot.proc import PROCESSES, run_program

_BRANCH = "refs/heads/master"
_BY = b"patchbot <patchbot@localhost> 0 +0000"
_FORMATS = ((b"\xfd7zXZ\0", lzma.LZMAFile), (b"\x1f\x8b", gzip.GzipFile), (b"BZh", bz2.BZ2File))
Wanted = Callable[[str], bool]
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """A git tree made of an archive: the bare repository, its commit, how many files it has."""

    repository: Path
    commit: str
    files: int


def import_archive(
    archive: Path,
    repository: Path,
    *,
    wanted: Wanted = lambda path: True,
    tick: Tick = lambda count: None,
) -> Imported:
    """Make a bare repository of a tar archive's files; the archive's first folder is dropped.

    Equal archives give equal commits. `wanted` chooses among the paths, `tick` is told how many
    files there are so far. Raises `TreeError` for an archive that can't be read or holds nothing;
    then, and when stopped, no repository is left.
    """
    if repository.exists():
        raise TreeError(f"{repository} is there already", hint="name a folder that is not there")
    try:
        return _import(archive, repository, wanted, tick)
    except BaseException as error:
        shutil.rmtree(repository, ignore_errors=True)
        if isinstance(error, OSError | tarfile.TarError | EOFError | lzma.LZMAError):
            raise TreeError(f"{archive}: {error}") from error
        raise


def _import(archive: Path, repository: Path, wanted: Wanted, tick: Tick) -> Imported:
    with _unpacked(archive) as plain, tarfile.open(fileobj=plain, mode="r|") as files:
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
            count = _feed(process.stdin, files, archive.name, wanted, tick)
            if process.wait() != 0:
                words = process.stderr.read() if process.stderr is not None else b""
                raise TreeError(f"git fast-import failed: {words.decode('utf-8', 'replace')}")
    if not count:
        raise TreeError(f"{archive} holds no files")
    named = run_program(
        ["git", f"--git-dir={repository}", "rev-parse", _BRANCH], env=clean_environment()
    )
    return Imported(repository, named.stdout.decode().strip(), count)


def _unpacked(archive: Path) -> IO[bytes]:
    """Open an archive without its compression; unlike tarfile's own, these tell a short file."""
    with archive.open("rb") as file:
        head = file.read(6)
    for magic, unpacker in _FORMATS:
        if head.startswith(magic):
            return cast(IO[bytes], unpacker(archive))
    return archive.open("rb")


def _feed(out: IO[bytes], files: tarfile.TarFile, name: str, wanted: Wanted, tick: Tick) -> int:
    message = f"Sources of {name}\n".encode()
    out.write(b"commit %s\ncommitter %s\n" % (_BRANCH.encode(), _BY))
    out.write(b"data %d\n%s" % (len(message), message))
    count = 0
    for path, mode, data in _entries(files, wanted):
        PROCESSES.check()
        out.write(b"M %s inline %s\ndata %d\n" % (mode, _quote(path), len(data)))
        out.write(data + b"\n")
        count += 1
        tick(count)
    out.write(b"\ndone\n")
    out.close()
    return count


def _entries(files: tarfile.TarFile, wanted: Wanted) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield path, git's mode and content of every file and symbolic link that is wanted."""
    for each in files:
        path = posixpath.normpath(each.name).partition("/")[2]
        if ".." in each.name.split("/") or path.partition("/")[0] == ".git":
            continue
        if not path or not wanted(path):
            continue
        if each.issym():
            yield path, b"120000", each.linkname.encode("utf-8", "surrogateescape")
        elif each.isfile() and (data := files.extractfile(each)) is not None:
            yield path, b"100755" if each.mode & stat.S_IXUSR else b"100644", data.read()


def _quote(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    if not any(byte in raw for byte in b'\n"\\ '):
        return raw
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
