"""A list of mails served on loopback as public-inbox does it, as far as b4 and patchbot ask.

/LIST/                     what is there, for people
/LIST/?x=m&q=QUERY         the mails that a query finds, with t=1 their threads, as mbox.gz
/LIST/MSGID/raw            one mail
/LIST/MSGID/t.mbox.gz      its thread
/MSGID/                    leads to /LIST/MSGID/
"""

from __future__ import annotations

import gzip
import html
import threading
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from patchbot.errors import PatchbotError
from patchbot.lab.query import parse_query
from patchbot.mail.mbox import quote_mail
from patchbot.mail.message import parse_mail
from patchbot.model import Mail

_HOST = "127.0.0.1"
_MAX_BODY_BYTES = 1 << 16
_GZIP, _HTML, _TEXT = "application/gzip", "text/html; charset=UTF-8", "text/plain; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `to` is where a redirect leads."""

    status: int
    content_type: str = _HTML
    body: bytes = b""
    to: str = ""


@dataclass(slots=True)
class MailList:
    """The mails of one list by message-id, in threads."""

    name: str
    threads: Sequence[Sequence[Mail]]
    _thread_of: Mapping[str, Sequence[Mail]] = field(init=False)

    def __post_init__(self) -> None:
        self._thread_of = {mail.message_id: thread for thread in self.threads for mail in thread}

    def answer(self, target: str) -> Answer:
        """Answer a request for a path with a query; pure."""
        parts = urllib.parse.urlsplit(target)
        asked = {key: each[-1] for key, each in urllib.parse.parse_qs(parts.query).items()}
        names = [urllib.parse.unquote(each) for each in parts.path.strip("/").split("/") if each]
        if not names:
            return Answer(302, to=f"/{self.name}/")
        if names[0] != self.name:
            known = names[0] in self._thread_of
            to = f"/{self.name}/{urllib.parse.quote(names[0])}/"
            return Answer(302, to=to) if known else _absent(target)
        if len(names) == 1:
            return self._search(self._mails(), asked) if "q" in asked else self._index()
        return self._about(names[1], names[2:], asked)

    def _mails(self) -> list[Mail]:
        return [mail for thread in self.threads for mail in thread]

    def _about(self, name: str, rest: Sequence[str], asked: Mapping[str, str]) -> Answer:
        thread = self._thread_of.get(name)
        if thread is None:
            return _absent(name)
        mail = next(each for each in thread if each.message_id == name)
        if rest == ["t.mbox.gz"]:
            return _mbox(thread)
        if rest == ["raw"]:
            return Answer(200, _TEXT, mail.raw)
        if not rest and "q" in asked:
            return self._search(thread, asked)
        shown = html.escape(mail.raw.decode("utf-8", "replace"))
        return Answer(200, body=f"<pre>{shown}</pre>".encode()) if not rest else _absent(name)

    def _search(self, among: Iterable[Mail], asked: Mapping[str, str]) -> Answer:
        match = parse_query(asked["q"])
        found = [mail for mail in among if match(mail)]
        if asked.get("t") == "1":
            threads = {id(t): t for mail in found for t in [self._thread_of[mail.message_id]]}
            found = [mail for thread in threads.values() for mail in thread]
        return _mbox(found) if found else _absent(asked["q"])

    def _index(self) -> Answer:
        rows = (
            f'<li><a href="{urllib.parse.quote(mail.message_id)}/">{html.escape(mail.subject)}'
            f"</a> {html.escape(mail.name)}</li>\n"
            for mail in self._mails()
        )
        return Answer(200, body=f"<h1>{html.escape(self.name)}</h1>\n{''.join(rows)}".encode())


def _absent(what: str) -> Answer:
    return Answer(404, _TEXT, f"not found: {what}\n".encode("utf-8", "replace"))


def _mbox(mails: Iterable[Mail]) -> Answer:
    data = b"".join(quote_mail(mail.raw) for mail in mails)
    return Answer(200, _GZIP, gzip.compress(data, mtime=0))


class LabServer:
    """Serves a list on loopback until it is stopped; a context manager.

    With port 0 the system chooses one. Raises `PatchbotError` where the port can't be had.
    """

    def __init__(self, name: str, threads: Iterable[Iterable[bytes]], port: int = 0) -> None:
        parsed = tuple(tuple(map(parse_mail, thread)) for thread in threads)
        self._list = MailList(name, parsed)
        try:
            self._server = ThreadingHTTPServer((_HOST, port), _handler_for(self._list))
        except (OSError, OverflowError) as error:
            raise PatchbotError(
                f"port {port} can't be used: {error}", hint="name another with --port, or none"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The list's address, without a slash at the end: what `--lore` takes."""
        return f"http://{_HOST}:{self._server.server_port}/{self._list.name}"

    def __enter__(self) -> LabServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_for(mails: MailList) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 60.0

        def _serve(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            if length.isdigit() and int(length) <= _MAX_BODY_BYTES:
                self.rfile.read(int(length))
                answer = mails.answer(self.path)
            else:
                answer = Answer(413, _TEXT, b"too long\n")
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            if answer.to:
                self.send_header("Location", answer.to)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what is asked is of no interest."""

    return Handler
