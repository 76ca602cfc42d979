"""Decode one raw mail, however broken it is, into a `Mail`."""

from __future__ import annotations

import email.errors
import email.header
import email.message
import email.parser
import email.policy
import email.utils
import hashlib
import re
from datetime import UTC, datetime

from patchbot.model import Mail

MAX_MAIL_BYTES = 16 << 20
MAX_HEADER_BYTES = 256 << 10
MAX_REFERENCES = 1000
MAX_FIELD_CHARS = 8192

_MSGID = re.compile(r"<([^<>\s]+)>")
_SPACE = re.compile(r"\s+")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_SIGNATURES = {"dkim-signature": "dkim", "x-developer-signature": "patatt"}
_PARSER = email.parser.BytesParser(policy=email.policy.compat32)


def parse_mail(raw: bytes, *, keep_raw: bool = True, truncated: bool = False) -> Mail:
    """Parse one raw mail; never raises.

    Whatever can't be read as sent is replaced and named in `problems`. A mail without a
    message-id gets one made of its content's hash, so that it stays distinct.
    """
    problems: list[str] = []
    if truncated or len(raw) > MAX_MAIL_BYTES:
        problems.append(f"larger than {MAX_MAIL_BYTES >> 20} MiB, the rest was not read")
        raw = raw[:MAX_MAIL_BYTES]
    message = _parse_bytes(raw, problems)
    name, address = _sender(message)
    return Mail(
        message_id=_message_id(message, raw, problems),
        subject=_header(message, "Subject"),
        name=name,
        email=address,
        date=_date(message, problems),
        in_reply_to=next(iter(_msgids(message, "In-Reply-To")), None),
        references=tuple(_msgids(message, "References")[-MAX_REFERENCES:]),
        body=_body(message, raw, problems),
        raw=raw if keep_raw else b"",
        signed=tuple(kind for field, kind in _SIGNATURES.items() if message.get(field)),
        problems=tuple(problems),
    )


def _parse_bytes(raw: bytes, problems: list[str]) -> email.message.Message:
    """Parse the header alone, and the body as MIME only where it has parts: quicker and smaller."""
    end = _HEADER_END.search(raw[: MAX_HEADER_BYTES + 4])
    if end is None and len(raw) > MAX_HEADER_BYTES:
        problems.append("header block too large, cut")
        raw = raw[: raw.rfind(b"\n", 0, MAX_HEADER_BYTES) + 1]
    head, rest = (raw[: end.end()], raw[end.end() :]) if end else (raw, b"")
    message = _PARSER.parsebytes(head, headersonly=True)
    if message.get_content_maintype() in ("multipart", "message"):
        try:
            return _PARSER.parsebytes(raw)
        except Exception as error:  # noqa: BLE001 - the parser raises many kinds on hostile input
            problems.append(f"not parsed as MIME ({type(error).__name__}), read as it stands")
            del message["Content-Type"], message["Content-Transfer-Encoding"]
    left = message.get_payload()  # what a header block without an empty line was cut from
    left = left if isinstance(left, str) else ""
    message.set_payload(left + rest.decode("ascii", "surrogateescape"))
    return message


def _header(message: email.message.Message, field: str) -> str:
    """Return a header decoded, unfolded, with every run of white space as one blank."""
    value = message.get(field)
    if value is None:
        return ""
    text = str(value)[:MAX_FIELD_CHARS]
    if "=?" in text:
        text = _decode_words(text)
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _SPACE.sub(" ", text).strip()


def parse_recipients(raw: bytes) -> tuple[str, str]:
    """Return the To and Cc headers of a raw mail, decoded, each in one line, "" where absent."""
    message = _parse_bytes(raw[:MAX_HEADER_BYTES], [])
    return _header(message, "To"), _header(message, "Cc")


def _decode_words(text: str) -> str:
    unfolded = _SPACE.sub(" ", text)
    try:
        chunks = email.header.decode_header(unfolded)
    except (email.errors.HeaderParseError, ValueError, LookupError):
        return unfolded
    out = []
    for chunk, charset in chunks:
        if isinstance(chunk, str):
            out.append(chunk)
        else:
            out.append(_decode(chunk, charset))
    return "".join(out)


def _decode(data: bytes, charset: str | None) -> str:
    """Decode bytes as `charset`, as UTF-8 where it is unknown, byte by byte as the last resort."""
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _sender(message: email.message.Message) -> tuple[str, str]:
    text = _header(message, "From")
    try:
        name, address = email.utils.parseaddr(text)
    except (ValueError, IndexError, TypeError, RecursionError):
        name, address = "", ""
    if "@" not in address:
        found = re.search(r"[^\s<>\"]+@[^\s<>\"]+", text[:500])
        address = found.group(0) if found else text[:100]
    return name or address.partition("@")[0], address.lower()


def _msgids(message: email.message.Message, field: str) -> list[str]:
    value = message.get(field)
    if value is None:
        return []
    found: list[str] = _MSGID.findall(str(value))
    if not found and field != "References":
        bare = str(value).strip().strip("<>")
        found = [bare] if bare and not _SPACE.search(bare) else []
    return found


def _message_id(message: email.message.Message, raw: bytes, problems: list[str]) -> str:
    found = _msgids(message, "Message-ID")
    if found:
        return found[0]
    problems.append("no message-id")
    return f"{hashlib.sha256(raw).hexdigest()[:24]}@no-message-id.invalid"


def _date(message: email.message.Message, problems: list[str]) -> datetime | None:
    for text in (_header(message, "Date"), _header(message, "Received").rpartition(";")[2]):
        if not text:
            continue
        try:
            return _to_utc(email.utils.parsedate_to_datetime(text))
        except (ValueError, OverflowError, TypeError, IndexError):
            problems.append("date not readable")
    return None


def _to_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _body(message: email.message.Message, raw: bytes, problems: list[str]) -> str:
    try:
        parts = [_part_text(part, problems) for part in message.walk() if _is_text(part)]
    except Exception as error:  # noqa: BLE001 - as above: walking a hostile tree raises many kinds
        problems.append(f"body read as it stands ({type(error).__name__})")
        parts = [raw.partition(b"\n\n")[2].decode("utf-8", "replace")]
    return "\n".join(parts)


def _is_text(part: email.message.Message) -> bool:
    kind = part.get_content_type()
    if part.is_multipart():
        return False
    return kind.startswith(("text/", "multipart/")) and kind != "text/html"


def _part_text(part: email.message.Message, problems: list[str]) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    if (part.get_param("format") or "") == "flowed":
        problems.append("format=flowed: white space of the patch may be damaged")
    text = _decode(payload, part.get_content_charset())
    return text.replace("\r\n", "\n")
