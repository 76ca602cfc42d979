"""Read mails from mbox files (mboxrd, plain or gzip), Maildirs, folders of these, and streams.

Memory stays bounded: files are read piece by piece, and of an oversized mail only the beginning
is kept.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from patchbot.errors import MailError
from patchbot.mail.message import MAX_MAIL_BYTES, parse_mail
from patchbot.model import Mail

MAX_SOURCE_BYTES = 4 << 30
_FROM_LINE = re.compile(
    rb"(?:(?<=\n\n)|(?<=\n\r\n))From (?:mboxrd@z |git@z |\S{1,200}\s+(?:\S{1,200}\s+)?"
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b|[0-9a-f]{40} (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )[^\n]*\n"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.M)
_FROM = re.compile(rb"^(>*From )", re.M)
_CHUNK_BYTES = 1 << 20
_MAX_LINE_BYTES = 1 << 20
_MAILDIR = ("cur", "new")
_HEADER = re.compile(rb"[!-9;-~]+:[ \t]?")


def split_mbox(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each mail of an mboxrd stream, and whether its end was cut off for size.

    A stream that does not begin with a `From ` line is taken as one single mail. A `From ` line
    starts a mail only where it looks like one (an address and a day, or `mboxrd@z`) and follows
    an empty line, so that prose in a body does not cut a mail in two.
    """
    kept = _Kept()
    is_mbox = started = False
    for text, starts in _split_at_from_lines(stream):
        if starts and (is_mbox or not started):
            if started:
                yield kept.take(unquote=True), kept.cut
            kept = _Kept()
            is_mbox = started = True
            continue
        if not started:
            text = text.lstrip(b"\r\n")
        started = started or bool(text)
        kept.add(text)
    if kept.data:
        yield kept.take(unquote=is_mbox), kept.cut


def quote_mail(raw: bytes) -> bytes:
    """Return a mail as it stands in an mboxrd file."""
    return b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + _FROM.sub(rb">\1", raw) + b"\n"


def _split_at_from_lines(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield a stream's text in pieces, with True for each that is a whole `From ` line."""
    seen = rest = b"\n\n"
    begin = len(rest)
    while True:
        chunk = stream.read(_CHUNK_BYTES)
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if not chunk or (end <= begin and len(data) > _MAX_LINE_BYTES):
            end = len(data)
        for found in _FROM_LINE.finditer(data, begin, end):
            if found.start() > begin:
                yield data[begin : found.start()], False
            yield found.group(), True
            begin = found.end()
        if end > begin:
            yield data[begin:end], False
        if not chunk:
            return
        seen = data[max(0, end - 3) : end] if end else seen
        rest, begin = seen + data[end:], len(seen)


class _Kept:
    """The beginning of one mail, up to `MAX_MAIL_BYTES`."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.cut = False

    def add(self, text: bytes) -> None:
        room = MAX_MAIL_BYTES - len(self.data)
        self.data += text[:room]
        self.cut = self.cut or len(text) > room

    def take(self, *, unquote: bool) -> bytes:
        """Return the mail; as part of an mbox without its quoting and the line that ends it."""
        if not unquote:
            return bytes(self.data)
        whole = self.data[:-1] if self.data.endswith(b"\n\n") else self.data
        return _QUOTED_FROM.sub(rb"\1", whole)


def read_mails(stream: IO[bytes], *, keep_raw: bool = True) -> Iterator[Mail]:
    """Parse every mail of an mboxrd stream."""
    for raw, cut in split_mbox(stream):
        yield parse_mail(raw, keep_raw=keep_raw, truncated=cut)


def read_source(path: Path) -> list[Mail]:
    """Read all mails of an mbox file, a Maildir, or a folder of mbox and .eml files.

    Raises `MailError` where the path can't be read or holds no mail.
    """
    try:
        mails = list(_read_path(path))
    except (OSError, EOFError, zlib.error) as error:
        raise MailError(f"{path}: {_explain(error)}") from error
    if not mails:
        raise MailError(f"{path}: no mail in it", hint="name an mbox file or a Maildir")
    return mails


def read_stdin(stream: IO[bytes]) -> list[Mail]:
    """Read all mails from standard input, plain or gzip.

    Raises `MailError` for an empty or broken stream.
    """
    try:
        mails = list(_read_stream(stream))
    except (OSError, EOFError, zlib.error) as error:
        raise MailError(f"standard input: {_explain(error)}") from error
    if not mails:
        raise MailError("standard input holds no mail", hint="pipe an mbox in, or name a file")
    return mails


def _explain(error: Exception) -> str:
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return f"compressed, but broken ({error})"
    return getattr(error, "strerror", None) or str(error)


def _read_path(path: Path) -> Iterator[Mail]:
    if not path.is_dir():
        with path.open("rb") as stream:
            yield from _read_stream(stream)
    elif all((path / name).is_dir() for name in _MAILDIR):
        for entry in _files(path / name for name in _MAILDIR):
            with entry.open("rb") as stream:
                yield from _one_mail(stream)
    else:
        for entry in _files([path]):
            with entry.open("rb") as stream:
                yield from _read_stream(stream)


def _one_mail(stream: IO[bytes]) -> Iterator[Mail]:
    raw = stream.read(MAX_MAIL_BYTES + 1)
    if raw:
        yield parse_mail(raw)


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(entry for entry in folder.iterdir() if entry.is_file())


def _read_stream(stream: IO[bytes]) -> Iterator[Mail]:
    plain = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    source = gzip.GzipFile(fileobj=plain) if plain.peek(2)[:2] == b"\x1f\x8b" else plain
    bounded = _Bounded(source)
    for mail in read_mails(bounded):  # type: ignore[arg-type]
        if _looks_like_mail(mail):
            yield mail


def _looks_like_mail(mail: Mail) -> bool:
    """Whether a file's beginning has at least one header; else it is no mail at all."""
    return bool(_HEADER.match(mail.raw)) and bool(mail.subject or mail.email)


class _Bounded:
    """A stream that refuses to go past `MAX_SOURCE_BYTES`: a gzip bomb ends with a message."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._read = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read > MAX_SOURCE_BYTES:
            raise MailError(f"more than {MAX_SOURCE_BYTES >> 20} MiB of mail", hint="split it")
        return data
