import base64
import quopri
from datetime import UTC, datetime

import pytest

from patchbot.mail.message import parse_mail
from tests.support.mailmaker import mail, raw_mail


def encoded(payload, charset, encoding):
    head = raw_mail("[PATCH] x", "one").partition(b"\n\n")[0]
    kind = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}"
    return parse_mail(b"MIME-Version: 1.0\n" + head + f"\n{kind}\n\n".encode() + payload)


def test_a_plain_mail():
    got = mail("[PATCH] x", "one", body="Why.\n", to="two", refs=["zero"])
    assert (got.message_id, got.subject, got.body) == ("one@example.org", "[PATCH] x", "Why.\n")
    assert (got.name, got.email) == ("Ada Walnut", "ada@example.org")
    assert got.date == datetime(2021, 3, 1, tzinfo=UTC)
    assert got.in_reply_to == "two@example.org"
    assert got.references == ("zero@example.org", "two@example.org")
    assert got.problems == ()


def test_dates_become_utc():
    raw = raw_mail("x", "one").replace(b"Mon, 01 Mar 2021 00:00:00 +0000", b"%s")
    assert parse_mail(raw % b"1 Mar 2021 02:00:00 +0200").date == datetime(2021, 3, 1, tzinfo=UTC)
    assert parse_mail(raw % b"1 Mar 2021 00:00:00 -0000").date == datetime(2021, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("date", [b"yesterday", b"", b"32 Foo 9999999 99:99", b"\xff\xfe"])
def test_a_date_nobody_can_read(date):
    got = parse_mail(b"From: a@b\nDate: " + date + b"\n\n")
    assert got.date is None
    assert ("date not readable" in got.problems) == bool(date)


def test_the_time_of_receipt_stands_in_for_a_broken_date():
    received = b"Received: from x by y; Mon, 01 Mar 2021 00:00:00 +0000\n"
    got = parse_mail(b"From: a@b\nDate: soon\n" + received + b"\n")
    assert got.date == datetime(2021, 3, 1, tzinfo=UTC)


def test_a_mail_without_an_id_gets_one_of_its_content():
    one, two = parse_mail(b"From: a@b\n\nx"), parse_mail(b"From: a@b\n\ny")
    assert one.message_id != two.message_id
    assert one.message_id == parse_mail(b"From: a@b\n\nx").message_id
    assert "no message-id" in one.problems


@pytest.mark.parametrize("value", ["bare@example.org", "<bare@example.org> (comment)"])
def test_ids_without_brackets_or_with_comments(value):
    assert parse_mail(f"Message-ID: {value}\n\n".encode()).message_id == "bare@example.org"


def test_folded_and_encoded_headers():
    raw = (
        b"From: =?utf-8?q?Zo=C3=AB_Nu=C3=9F?= <Zoe@Example.ORG>\n"
        b"Subject: [PATCH v2\n 1/2] =?iso-8859-1?q?N=FCsse?=\n =?iso-8859-1?q?_knacken?=\n\n"
    )
    got = parse_mail(raw)
    assert (got.name, got.email) == ("Zoë Nuß", "zoe@example.org")
    assert got.subject == "[PATCH v2 1/2] Nüsse knacken"


@pytest.mark.parametrize(
    ("charset", "text"),
    [("utf-8", "Nüsse – ñ"), ("iso-8859-1", "Nüsse"), ("utf-16", "Nüsse – ñ"), ("koi8-r", "орех")],
)
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("8bit", bytes), ("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)],
)
def test_charsets_and_encodings(charset, text, encoding, pack):
    assert encoded(pack(text.encode(charset)), charset, encoding).body.rstrip("\n") == text


@pytest.mark.parametrize("charset", ["no-such-charset", "us-ascii", "rot13", "base64", "idna"])
def test_unknown_and_lying_charsets_fall_back_to_utf_8(charset):
    assert encoded("Nüsse".encode(), charset, "8bit").body == "Nüsse"


def test_bytes_that_are_no_utf_8_become_latin_1():
    assert encoded("Nüsse".encode("latin-1"), "utf-8", "8bit").body == "Nüsse"


def test_crlf_becomes_lf():
    assert encoded(b"one\r\ntwo\r\n", "utf-8", "8bit").body == "one\ntwo\n"


def test_format_flowed_is_named_as_a_risk():
    raw = raw_mail("x", "one", headers=["Content-Type: text/plain; format=flowed"])
    (problem,) = parse_mail(raw).problems
    assert problem == "format=flowed: white space of the patch may be damaged"


def test_all_text_parts_and_no_html():
    parts = [
        ("text/plain", "Why.\n"),
        ("text/html", "<b>Why</b>"),
        ("text/x-patch", "diff --git a/x b/x\n"),
        ("application/octet-stream", "zzzz"),
    ]
    body = "".join(f"--sep\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
    kind = 'Content-Type: multipart/mixed; boundary="sep"'
    got = mail("x", "one", body=body + "--sep--\n", headers=["MIME-Version: 1.0", kind])
    assert "Why.\n" in got.body
    assert "diff --git" in got.body
    assert "<b>" not in got.body
    assert "zzzz" not in got.body


def test_parts_without_a_boundary_are_read_as_they_stand():
    got = mail("x", "one", body="Why.\n", headers=["Content-Type: multipart/mixed"])
    assert got.body == "Why.\n"


def test_signatures_are_named_not_checked():
    got = mail("x", "one", headers=["DKIM-Signature: v=1", "X-Developer-Signature: v=1"])
    assert got.signed == ("dkim", "patatt")


def test_a_sender_without_an_address():
    got = parse_mail(b"From: nobody at all\n\n")
    assert got.email == "nobody at all"


def test_raw_is_kept_only_when_asked_for():
    raw = raw_mail("x", "one")
    assert parse_mail(raw).raw == raw
    assert parse_mail(raw, keep_raw=False).raw == b""
