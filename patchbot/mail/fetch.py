"""The one adapter over b4 0.16: fetching, searching, attestation.

b4 promises no stable API, so it is pinned, and nothing else in patchbot imports it or liblore.
b4's own configuration (git config, `.b4-config`) chooses the server, mirrors and keyrings.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import logging
import os
import re
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import b4
import dns.exception
import dns.resolver
import liblore
import requests
from liblore.utils import split_mbox as split_lore_mbox

from patchbot.errors import FetchError, NotFoundError
from patchbot.model import Attestation, Mail
from patchbot.proc import PROCESSES

MAX_ANSWER_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 16
_DNS_PROBE_S = 3.0
_T = TypeVar("_T")


class B4Archive:
    """A public-inbox server, reached through b4.

    `lore` names the server (down to one list); None leaves the choice to b4's configuration.
    `timeout_s` bounds one whole answer, however slowly it trickles in.
    """

    def __init__(self, lore: str | None, timeout_s: float, scratch: Path) -> None:
        _quieten()
        self._scratch = scratch
        self._timeout_s = timeout_s
        self._dns_works: bool | None = None
        self._list_checked = False
        self._no_list = ""
        config = {}
        if lore:
            base = _check_url(lore)
            config = {"b4.midmask": f"{base}/%s", "b4.searchmask": f"{base}/?x=m&t=1&q=%s"}
        _without_exit(lambda: b4.setup_config(argparse.Namespace(config=config), topdir=None))
        self._connect(_check_url(_base_url(str(b4.get_main_config().get("midmask") or ""))))

    def _connect(self, base: str) -> None:
        """Talk to the inbox at this address from now on."""
        self.name = hide_password(base)
        timeouts = (min(15.0, self._timeout_s), self._timeout_s)
        try:
            self._node = liblore.LoreNode.from_git_config(
                base, cache_dir=None, request_timeout=timeouts
            )
        except (liblore.LibloreError, ValueError) as error:
            raise FetchError(f"b4's configuration: {error}") from error
        self._base = base
        self._node.set_user_agent("patchbot", "0")
        self._node.set_requests_session(_BoundedSession(self._timeout_s))
        b4.LORENODE = self._node

    def fetch_thread(self, message_id: str) -> bytes:
        """Fetch the thread around one mail as mboxrd.

        Raises `NotFoundError` where the server does not know the mail, else `FetchError`.
        """
        data = self._ask(
            lambda: self._node.get_mbox_by_msgid(message_id, nocache=True), f"<{message_id}>"
        )
        if not data.strip():
            raise FetchError(
                f"{self.name} sent an empty answer for <{message_id}>",
                hint="try again later, or name another server with --lore",
            )
        return data

    def fetch_search(self, query: str, near: str = "") -> bytes:
        """Fetch all mails that match a public-inbox query as mboxrd, b"" for none.

        A server named without a list, or with a wrong one, is searched in the list that has the
        mail with the message-id `near`. Raises `FetchError` where that can't be found either, every
        time: an empty answer would be kept.
        """
        for _ in range(2):
            if self._no_list:
                raise FetchError(self._no_list, hint="name the list with --lore")
            with contextlib.suppress(NotFoundError):
                return self._ask(
                    lambda: self._node.get_mbox_by_query(query, full_threads=False, nocache=True),
                    "a search",
                )
            if not self._find_list(near):
                break
        return b""

    def _find_list(self, near: str) -> bool:
        """Whether there was no list at this address, and one was found to go on with.

        A server answers a search that finds nothing, and one in a list that it does not have, with
        the same 404.
        """
        if self._list_checked:
            return False
        missing = self._head(f"{self._base}/").status_code == 404
        above = self._list_of(near) if missing and near else ""
        self._list_checked = True
        if above:
            self._connect(f"{self._node.canonical_origin}{above}")
        elif missing:
            self._no_list = f"{self.name} is no list that can be searched"
        return missing

    def _list_of(self, message_id: str) -> str:
        """Return the path of the list that the server leads to from a mail, "" for none."""
        origin = self._node.canonical_origin
        found = self._head(f"{origin}/{urllib.parse.quote_plus(message_id)}/")
        there, here = urllib.parse.urlsplit(found.url), urllib.parse.urlsplit(origin)
        if found.status_code != 200 or (there.hostname, there.port) != (here.hostname, here.port):
            return ""
        return there.path.rstrip("/").rpartition("/")[0]

    def _head(self, url: str) -> requests.Response:
        """Ask whether there is a page; raises `FetchError` where the server can't say."""
        what = "the name of the list"
        found = self._ask(lambda: self._node.request("HEAD", url, allow_redirects=True), what)
        if found.status_code >= 500:
            raise FetchError(f"{self.name} answered HTTP {found.status_code}, asking for {what}")
        return found

    def _ask(self, call: Callable[[], _T], what: str) -> _T:
        """Make one call of liblore, and turn each of its failures into one clear line."""
        later = "try again, raise `timeout` in the configuration, or name another server: --lore"
        PROCESSES.check()  # a library may have swallowed a Ctrl-C
        try:
            return call()
        except liblore.RemoteError as error:
            raise _explain_remote(error, self.name, what) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FetchError(
                f"{self.name}: the compressed answer for {what} is broken ({error})", hint=later
            ) from error
        except requests.RequestException as error:
            raise FetchError(
                f"{self.name}: {_network_words(error)}, asking for {what}", hint=later
            ) from error
        except FetchError as error:
            hint = "name another server with --lore, or work from an mbox file"
            raise FetchError(f"{self.name}: {error}, asking for {what}", hint=hint) from error
        except (OSError, liblore.LibloreError) as error:
            raise FetchError(f"{self.name}: {error}, asking for {what}", hint=later) from error

    def check_attestation(self, mail: Mail) -> Attestation:
        """Return what b4 finds of a mail's signatures; "not checked" where DNS can't be reached."""
        with _folders_in(self._scratch):
            return check_attestation(mail, network=self._has_dns(mail))

    def _has_dns(self, mail: Mail) -> bool:
        if self._dns_works is None and "dkim" in mail.signed:
            self._dns_works = _probe_dns()
        return bool(self._dns_works)


def check_attestation(mail: Mail, *, network: bool) -> Attestation:
    """Return what b4 finds of a mail's DKIM and patatt signatures.

    Without `network` a DKIM signature can't be checked, and the result says so.
    """
    if not mail.signed:
        return Attestation("none", reason="no signature")
    if not mail.raw or (not network and "patatt" not in mail.signed):
        return Attestation("not checked", reason="no network")
    b4.can_network = network
    try:
        message = split_lore_mbox(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail.raw)[0]
        found, _, _ = b4.LoreMessage(message).get_attestation_status("softfail")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - b4 raises many kinds
        return Attestation("not checked", reason=f"b4 failed: {type(error).__name__}")
    return _best(found, network)


def _best(found: list[dict[str, object]], network: bool) -> Attestation:
    """Choose what is said of a mail with several signatures.

    A developer's own bad signature outweighs a good one of a mail server, whose bad ones are
    mailing lists at work; the others are named in the reason.
    """
    order = ("badsig own", "signed", "badsig", "nokey")
    known = [each for each in found if _rank(each) in order]
    ranked = sorted(known, key=lambda each: order.index(_rank(each)))
    if ranked:
        best, *others = ranked
        reasons = [f"From is {best['mismatch']}"] if best.get("mismatch") else []
        reasons += [f"also {each.get('status')}: {each.get('identity', '')}" for each in others]
        return Attestation(str(best["status"]), str(best.get("identity", "")), ", ".join(reasons))
    if not network:
        return Attestation("not checked", reason="no network")
    return Attestation("none", reason="b4 found no attestation")


def _rank(found: dict[str, object]) -> str:
    own = not str(found.get("identity", "")).startswith("DKIM/")
    return "badsig own" if own and found.get("status") == "badsig" else str(found.get("status"))


def _probe_dns() -> bool:
    """Whether this machine can look anything up in DNS, within a few seconds."""
    try:
        dns.resolver.resolve("kernel.org", "TXT", lifetime=_DNS_PROBE_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return True
    except (dns.exception.DNSException, OSError):
        return False
    return True


def _quieten() -> None:
    """Keep the libraries' own log lines off standard error: failures come as exceptions."""
    for name in ("b4", "liblore", "urllib3", "patatt", "dkim"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    b4.logger.setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def _folders_in(scratch: Path) -> Iterator[None]:
    """Send b4's and gpg's folders to `scratch` where the user has none: both make them unasked."""
    share = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    wanted: dict[str, str] = {}
    if not (Path(share) / "b4").is_dir():
        wanted["XDG_DATA_HOME"] = str(scratch)
    if not os.environ.get("GNUPGHOME") and not (Path.home() / ".gnupg").is_dir():
        (scratch / "gnupg").mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted["GNUPGHOME"] = str(scratch / "gnupg")
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _without_exit(call: Callable[[], None]) -> None:
    """Make a call of b4, which ends the process on some errors, and raise instead."""
    try:
        call()
    except (SystemExit, ValueError, KeyError) as error:
        raise FetchError(f"b4's configuration can't be used: {error}") from error


def _check_url(url: str) -> str:
    """Return a server's address, without a slash, query or fragment at its end."""
    url = url.strip()
    try:
        parts = urllib.parse.urlsplit(url if "://" in url else f"https://{url}")
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that don't match, a port that is no number or too high
        good = parts = None
    if not (good and parts) or re.search(r"[\s<>\"\x00-\x1f]", url):
        raise FetchError(
            # Where the address ends and a password begins can't be told: nothing before an @.
            f"{re.sub(r'.*@', '', url, flags=re.DOTALL)!r} is no server address",
            hint="such as https://lore.kernel.org/linux-ext4",
        )
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def hide_password(url: str) -> str:
    """Return an address without the user's name and password, fit to be shown."""
    return re.sub(r"^((?:[\w+.-]*:)?//)?[^/?#]*@", r"\1", url.strip())


def _base_url(midmask: str) -> str:
    """Return the inbox address in b4's `midmask`; a bare server gets `/all`, as b4 does it."""
    base = midmask.replace("/%s", "").rstrip("/")
    return base if urllib.parse.urlsplit(base).path.strip("/") else f"{base}/all"


def _explain_remote(error: liblore.RemoteError, name: str, what: str) -> FetchError:
    if error.status_code == 404:
        return NotFoundError(
            f"{name} does not know {what}",
            hint="check the message-id, or name the server that has it with --lore",
        )
    if error.status_code is not None:
        return FetchError(
            f"{name} answered HTTP {error.status_code}, asking for {what}",
            hint="try again later, or name another server with --lore",
        )
    cause = error.__cause__
    words = _network_words(cause) if isinstance(cause, requests.RequestException) else str(error)
    return FetchError(
        f"{name}: {words}, asking for {what}",
        hint="check the address and the network, or work from an mbox file",
    )


def _network_words(error: requests.RequestException) -> str:
    text = str(error)
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return "no answer in time"
    if isinstance(error, requests.TooManyRedirects):
        return "redirects without end"
    for sign, words in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "no such host"),
        ("Temporary failure in name resolution", "the host's name can't be looked up"),
        ("Failed to resolve", "the host's name can't be looked up"),
        ("CERTIFICATE", "its certificate can't be verified"),
        ("IncompleteRead", "the connection broke half-way"),
        ("RemoteDisconnected", "the connection was closed without an answer"),
        ("Connection reset", "the connection was reset"),
        ("No route to host", "no route to the host"),
        ("Network is unreachable", "the network is unreachable"),
    ):
        if sign in text:
            return words
    return f"no usable answer ({type(error).__name__})"


class _BoundedAdapter(requests.adapters.HTTPAdapter):
    """Reads every answer within a total time and size, so that nothing trickles or swells."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__()

    def send(self, *args: object, **kwargs: object) -> requests.Response:
        """Send a request and read its whole answer; see requests' HTTPAdapter."""
        deadline = time.monotonic() + self._timeout_s
        response = super().send(*args, **kwargs)  # type: ignore[arg-type]
        with contextlib.closing(response.raw):
            response._content = _read_all(response, deadline)
        response._content_consumed = True  # type: ignore[attr-defined]
        return response


def _read_all(response: requests.Response, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise FetchError(f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
            if time.monotonic() > deadline:
                raise requests.ReadTimeout("timed out: the answer trickles in too slowly")
    except requests.RequestException:
        raise
    except Exception as error:
        if isinstance(error, FetchError):
            raise
        raise requests.ConnectionError(f"{type(error).__name__}: {error}") from error
    data = b"".join(chunks)
    expected = response.headers.get("Content-Length")
    if expected and expected.isdigit() and "Content-Encoding" not in response.headers:
        head = response.request.method == "HEAD"
        if not head and len(data) < int(expected):
            raise requests.ConnectionError("IncompleteRead: the body is shorter than announced")
    _check_inflated_size(data)
    return data


def _check_inflated_size(data: bytes) -> None:
    """Refuse a compressed answer that swells past the limit, before anybody inflates it whole."""
    if data[:2] != b"\x1f\x8b":
        return
    total = 0
    rest = data
    while rest:
        inflater = zlib.decompressobj(wbits=31)
        try:
            while rest and not inflater.eof:
                total += len(inflater.decompress(rest, _CHUNK_BYTES * 16))
                rest = inflater.unconsumed_tail
                if total > MAX_ANSWER_BYTES:
                    raise FetchError(
                        f"the answer swells past {MAX_ANSWER_BYTES >> 20} MiB when decompressed"
                    )
        except zlib.error:
            return
        rest = inflater.unused_data


class _BoundedSession(requests.Session):
    """Bounds a whole exchange: looking the host up, all redirects, headers and body."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self.headers["User-Agent"] = "patchbot"
        adapter = _BoundedAdapter(timeout_s)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, *args: object, **kwargs: object) -> requests.Response:
        """Send a request; see requests' Session."""
        call = super().request
        return _within(self._timeout_s, lambda: call(*args, **kwargs))  # type: ignore[arg-type]

    def merge_environment_settings(  # type: ignore[override]
        self, url: str, *args: Any, **kwargs: Any
    ) -> Any:
        """See requests' Session; no proxy stands between this machine and itself."""
        found = super().merge_environment_settings(url, *args, **kwargs)
        return {**found, "proxies": {}} if _is_here(url) else found

    def rebuild_proxies(self, prepared_request: Any, proxies: Any) -> Any:
        """See requests' Session; called for redirects."""
        if _is_here(prepared_request.url):
            return {}
        return super().rebuild_proxies(prepared_request, proxies)  # type: ignore[no-untyped-call]


def _is_here(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _within(timeout_s: float, call: Callable[[], _T]) -> _T:
    """Make a call in a thread, and leave it alone there once its time is up."""
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below, whatever it is
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if failed:
        raise failed[0]
    if not done:
        raise requests.ReadTimeout("timed out: no whole answer")
    return done[0]
