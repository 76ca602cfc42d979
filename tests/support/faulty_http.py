"""A loopback HTTP server that fails on request, alone or in front of a real public-inbox.

A fault is a function that answers one exchange wrongly. The server tries the rules from the newest
to the oldest; with none that matches it asks the upstream server, or answers 404 without one.
"""

import gzip
import http.client
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]
Fault = Callable[["Exchange"], None]

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_UPSTREAM_TIMEOUT_S = 30.0
_BOMB_CHUNK_BYTES = 1 << 20
SAMPLE_MBOX = (
    b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    b"From: A Tester <a@example.org>\nMessage-Id: <sample@example.org>\n"
    b"Subject: [PATCH] sample\nDate: Sun, 13 Sep 2020 12:26:40 +0000\n\n"
    + b"".join(b"line %d of a body that does not compress to nothing\n" % n for n in range(200))
)
"""The mbox that faults damage when there is no upstream to damage."""


@dataclass(frozen=True)
class Request:
    """One request as it came in; ``path`` includes the query."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Headers
    body: bytes


class Exchange:
    """One request with the means to answer it badly; what a fault gets."""

    def __init__(self, handler: BaseHTTPRequestHandler, request: Request, owner: "FaultyServer"):
        self.request = request
        self.owner = owner
        self._handler = handler

    def upstream(self) -> Answer:
        """What a healthy server would have said."""
        return self.owner.ask_upstream(self.request, self._handler.headers.items())

    def begin(self, status: int, headers: Headers) -> None:
        """Send the status line and the headers."""
        self._handler.send_response(status)
        for name, value in headers:
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        """Send bytes of the body at once."""
        if self.request.method != "HEAD":
            self._handler.wfile.write(data)
            self._handler.wfile.flush()

    def send(self, answer: Answer) -> None:
        """Send a whole, correct answer."""
        length = ("Content-Length", str(len(answer.body)))
        self.begin(answer.status, [*answer.headers, length])
        self.write(answer.body)

    def send_gzip(self, data: bytes) -> None:
        """Send bytes as public-inbox sends an mbox, with status 200."""
        self.send(Answer(200, [("Content-Type", "application/gzip")], data))


def answer_with(body: bytes, content_type: str = "application/gzip") -> Fault:
    """No fault: status 200 and this body."""
    return lambda exchange: exchange.send(Answer(200, [("Content-Type", content_type)], body))


def status(code: int) -> Fault:
    """An error page with this status."""
    return lambda exchange: exchange.send(
        Answer(code, [("Content-Type", "text/html")], b"<html>%d</html>" % code)
    )


def empty() -> Fault:
    """Status 200 and no body."""
    return lambda exchange: exchange.send_gzip(b"")


def truncated_gzip() -> Fault:
    """The right answer, compressed, of which the second half is missing; HTTP itself is whole."""

    def fault(exchange: Exchange) -> None:
        data = exchange.upstream().body
        exchange.send_gzip(data[: len(data) // 2])

    return fault


def garbage() -> Fault:
    """Something else than gzip under gzip's content type."""
    return lambda exchange: exchange.send_gzip(b"<html>this is not gzip</html>" * 20)


def gzip_bomb(inflated_bytes: int = 512 << 20) -> Fault:
    """A small valid gzip stream of one mail that inflates to about this many bytes."""
    return lambda exchange: exchange.send_gzip(make_gzip_bomb(inflated_bytes))


def slow_first_byte(delay_s: float) -> Fault:
    """The right answer after this many seconds of silence."""

    def fault(exchange: Exchange) -> None:
        exchange.owner.stopping.wait(delay_s)
        exchange.send(exchange.upstream())

    return fault


def trickle(interval_s: float = 0.1) -> Fault:
    """A body that never ends: one byte every ``interval_s``, until the server stops."""

    def fault(exchange: Exchange) -> None:
        exchange.begin(200, [("Content-Type", "application/gzip")])
        exchange.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
        while not exchange.owner.stopping.wait(interval_s):
            exchange.write(b"\x00")

    return fault


def closed_half_way() -> Fault:
    """The right headers, half the body, and a closed connection."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.upstream()
        length = ("Content-Length", str(len(answer.body)))
        exchange.begin(200, [*answer.headers, length])
        exchange.write(answer.body[: len(answer.body) // 2])

    return fault


def redirect_loop() -> Fault:
    """A redirect to the address that was asked for."""
    return lambda exchange: exchange.send(
        Answer(302, [("Location", exchange.owner.url + exchange.request.path)], b"")
    )


def make_gzip_bomb(inflated_bytes: int) -> bytes:
    """A gzip stream, a thousandth as long as the mail it holds, without ever holding that mail."""
    line = b"A" * 63 + b"\n"
    chunk = line * (_BOMB_CHUNK_BYTES // len(line))
    count = max(1, inflated_bytes // len(chunk))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = deflate.compress(SAMPLE_MBOX) + deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the state is as new: the same chunk gives the same bytes every time.
    block = deflate.compress(chunk) + deflate.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(SAMPLE_MBOX)
    for _ in range(count):
        crc = zlib.crc32(chunk, crc)
    size = (len(SAMPLE_MBOX) + count * len(chunk)) & 0xFFFFFFFF
    trailer = crc.to_bytes(4, "little") + size.to_bytes(4, "little")
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return header + first + block * count + deflate.flush(zlib.Z_FINISH) + trailer


class FaultyServer:
    """A threaded server on a free port of 127.0.0.1; a context manager.

    ``upstream`` is the address of a healthy server without a slash at the end, or None.
    ``requests`` holds every request since the start or the last ``forget``.
    """

    def __init__(self, upstream: str | None = None) -> None:
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._upstream = upstream
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """The server's own address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, pattern: str, fault: Fault, times: int | None = None) -> None:
        """Answer paths in which the regular expression is found with a fault, so many times.

        The newest rule that matches wins; ``times=None`` means always.
        """
        with self._lock:
            self._rules.append(_Rule(re.compile(pattern), fault, times))

    def heal(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()

    def forget(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self.requests.clear()

    def ask_upstream(self, request: Request, headers: Headers) -> Answer:
        """The healthy server's answer; without one, the sample mbox, compressed."""
        if self._upstream is None:
            return Answer(200, [("Content-Type", "application/gzip")], gzip.compress(SAMPLE_MBOX))
        where = urlsplit(self._upstream)
        link = http.client.HTTPConnection(where.netloc, timeout=_UPSTREAM_TIMEOUT_S)
        try:
            path = where.path.rstrip("/") + request.path
            link.request(request.method, path, body=request.body, headers=_end_to_end(headers))
            answer = link.getresponse()
            return Answer(
                answer.status, list(_end_to_end(answer.getheaders()).items()), answer.read()
            )
        finally:
            link.close()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, and end the answers that are under way."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "FaultyServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _record(self, request: Request) -> Fault | None:
        """Note a request and take the fault that is due for it."""
        with self._lock:
            self.requests.append(request)
            for rule in reversed(self._rules):
                if rule.left != 0 and rule.pattern.search(request.path):
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule.fault
        return None

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(handler.command, handler.path, handler.rfile.read(length))
        exchange = Exchange(handler, request, self)
        fault = self._record(request)
        if fault:
            fault(exchange)
        elif self._upstream is None:
            status(404)(exchange)
        else:
            exchange.send(exchange.upstream())


@dataclass
class _Rule:
    pattern: re.Pattern[str]
    fault: Fault
    left: int | None


def _end_to_end(headers: Headers) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _HOP_BY_HOP}


def _handler_for(owner: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            try:
                owner._answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up, as it should

        do_GET = do_POST = do_HEAD = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the requests are recorded."""

    return Handler
