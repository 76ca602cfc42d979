"""Mail made to break the reader: every case must end, ends, in little memory, with an answer."""

import gzip
import io
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchbot.errors import MailError
from patchbot.mail import mbox
from patchbot.mail.diff import (
    commit_text,
    find_body_author,
    find_footer,
    find_prerequisites,
    has_diff,
    read_diff,
)
from patchbot.mail.links import find_fixed, find_linked_ids
from patchbot.mail.message import MAX_HEADER_BYTES, MAX_MAIL_BYTES, parse_mail
from patchbot.mail.postings import find_postings
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.mail.trailers import find_patch_trailers, find_reply_trailers
from patchbot.model import Mail
from tests.support import ROOT
from tests.support.mailmaker import build, diff, mail, mid, patch, posting, raw_mail, reply

FROM = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


# ---------------------------------------------------------------- single mails


def test_nul_bytes():
    got = parse_mail(b"From: a\x00@b\nSubject: [PATCH] x\x00y\nMessage-ID: <a\x00@b>\n\nx\x00y\n")
    assert got.body == "x\x00y\n"
    assert len(build(got, patch("[PATCH] \x00", "p", "int\x00x;"))) == 1


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("depth", [50, 5000])
def test_nested_mime(depth):
    raw = b"Message-ID: <deep@example.org>\nFrom: a@b\nSubject: deep\n"
    for level in range(depth):
        raw += b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
    got = parse_mail(raw + b"Content-Type: text/plain\n\nfound it\n")
    assert got.message_id == "deep@example.org"
    assert "found it" in got.body
    assert bool(got.problems) == (depth > 1000)


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("kind", ["message/rfc822", "message/partial", "multipart/digest"])
def test_messages_within_messages(kind):
    raw = b"From: a@b\n" + f"Content-Type: {kind}\n\n".encode() * 3000
    assert parse_mail(raw + b"end\n").email == "a@b"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/mixed\n",
        b'Content-Type: multipart/mixed; boundary=""\n',
        b"Content-Type: \xff/\xfe; charset=\xff\n",
        b"Content-Type: text/plain; charset*0=u; charset*1=\xff\n",
        b"Content-Type: text/plain; charset=undefined\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: x-uuencode\n",
        b"Subject: =?utf-8?b?!!!?= =?x?q?=zz?=\n",
        b"Subject: =?unknown-8bit?q?=FF?=\n",
        b"From: \xff\xfe <\xff@\xfe>\n",
        b"From: (((((((\n",
        b"Message-ID: <>\n",
        b"Message-ID: \n",
        b"References: <<<<>>>> <a@b\n",
        b": no name\n",
        b" starts folded\n",
        b"no colon at all\n",
        b"\r\r\r\n",
    ],
)
def test_broken_headers(head):
    got = parse_mail(b"Message-ID: <x@y>\n" + head + b"\nSGVsbG8=\n!!\n")
    assert isinstance(got.body, str)
    assert build(got) == []


@pytest.mark.usefixtures("ends")
def test_a_huge_header_block_is_cut_and_named():
    raw = b"Message-ID: <x@y>\n" + b"X-Fill: %s\n" % (b"z" * 900) * 5000 + b"\nbody\n"
    got = parse_mail(raw)
    assert got.message_id == "x@y"
    assert got.problems == ("header block too large, cut",)
    endless = parse_mail(b"Message-ID: <x@y>\nSubject: " + b"z" * (2 * MAX_HEADER_BYTES))
    assert "header block too large, cut" in endless.problems


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize(
    "value",
    [
        b"a" * 200_000,
        b"(" * 200_000,
        b"=?a?q?" * 30_000,
        b"=?utf-8?q?x?= " * 15_000,
        b"<a@b> " * 30_000,
        b"," * 200_000,
        b'"\\' * 100_000,
        b";a=b" * 50_000,
        b"9" * 200_000,
        b"\n " * 80_000 + b"x",
    ],
    ids=lambda value: repr(value[:8]),
)
def test_long_header_values(value):
    names = (b"From", b"Subject", b"Date", b"References", b"In-Reply-To", b"Message-ID")
    for name in (*names, b"Content-Type", b"Content-Disposition"):
        parse_mail(name + b": " + value + b"\n\nbody\n")


LINES = [
    "[",
    "> ",
    "Subject: x\n",
    "Subject: ",
    "From: ",
    "\n",
    " ",
    "---\n",
    "--- ",
    "-- \n",
    "diff --git a/x b/x\n",
    "diff --git a/",
    "index 1234567..",
    "@@ -1 +1 @@\n",
    "@@ -1,999999999 +1,999999999 @@\n+x\n",
    "Reviewed-by: ",
    "Reviewed-by: a@b  ",
    "A-",
    "A-By: x\n",
    "Fixes: \n",
    'Fixes: 1234567 ("',
    'Fixes: 1234567 (")\n',
    "http://",
    "https://a/@",
    "https://a/%40",
    "<111111",
    "<1@",
    "v1 RFC ",
    "NACK ",
    "base-commit: ",
    "prerequisite-patch-id: a\n",
    "change-id:\n",
    "1 file changed",
    " 1 file changed\n",
    "--- a/x\n+++ b/x\n",
    "\u2028",
    "\r",
    "\x0c",
    "(take ",
]


@pytest.mark.parametrize("unit", LINES, ids=repr)
@pytest.mark.parametrize("head", ["", "diff --git a/x b/x\n@@ -1 +1 @@\n", "Signed-off-by: "])
def test_no_expression_backtracks(unit, head, ends):
    body = head + unit * (1_000_000 // len(unit))
    got = Mail("a@b", "[PATCH] x", "A", "a@b", None, None, (), body)
    has_diff(body)
    read_diff(body)
    find_body_author(body)
    commit_text(body)
    find_footer(body, "change-id")
    find_footer(body, "base-commit")
    find_prerequisites(body)
    find_patch_trailers(got)
    find_reply_trailers(got, "patch")
    find_linked_ids(got)
    find_fixed(got)
    find_postings(Mails([got]))


# ---------------------------------------------------------------- size

MEASURE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from patchbot.mail.mbox import read_stdin
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mails = read_stdin(sys.stdin.buffer)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(mails), len(mails[0].body), (after - before) // 1024, *mails[0].problems, sep="|")
"""


@pytest.mark.parametrize("line", [b"x" * 4095 + b"\n", b"\n", b"x" * (1 << 20)], ids=len)
def test_a_body_of_a_hundred_megabytes(line):
    command = [sys.executable, "-c", MEASURE, str(ROOT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(FROM + raw_mail("[PATCH] big", "big"))
        chunk = line * ((1 << 20) // len(line))
        for _ in range(100):
            process.stdin.write(chunk)
        out, _ = process.communicate()
    count, size, grown, problem = out.decode().strip().split("|")
    assert count == "1"
    assert 0 < int(size) <= MAX_MAIL_BYTES
    assert problem == "larger than 16 MiB, the rest was not read"
    assert int(grown) < 200, f"{grown} MiB more"


def test_a_gzip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mbox, "MAX_SOURCE_BYTES", 64 << 20)
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as stream:
        stream.write(FROM + raw_mail("x", "one"))
        for _ in range(80):
            stream.write(b"\0" * (1 << 20))
    path = tmp_path / "bomb.mbox.gz"
    path.write_bytes(bomb.getvalue())
    assert path.stat().st_size < 1 << 20
    with pytest.raises(MailError, match="more than 64 MiB of mail"):
        mbox.read_source(path)


# ---------------------------------------------------------------- threads and series


@pytest.mark.usefixtures("ends")
def test_a_thousand_replies_in_one_chain():
    mails = posting("s", ["a", "b"], lead="both")
    last = mails[1]
    answers = []
    for number in range(1000):
        last = mail("Re: a", f"r{number}", body="Hm.\n", to=last.message_id, day=1 + number / 1440)
        answers.append(last)
    final = mail("Re: a", "final", body="Acked-by: Z <z@example.org>\n", to=last.message_id, day=9)
    (series,) = build(mails, answers, final)
    trailers = series.revisions[0].patches[0].trailers
    assert [each.message_id for each in trailers if each.name == "Acked-by"] == [mid("final")]


@pytest.mark.usefixtures("ends")
def test_a_cycle_of_replies_among_patches():
    mails = [patch(f"[PATCH {n}/3] t{n}", f"p{n}", to=f"p{n % 3 + 1}") for n in (1, 2, 3)]
    (series,) = build(mails)
    assert [each.number for each in series.revisions[0].patches] == [1, 2, 3]


def test_one_message_id_for_many_mails():
    mails = [patch(f"[PATCH {n}/5] t{n}", "same", f"int x{n};") for n in range(1, 6)]
    (series,) = build(mails)
    assert len(series.revisions[0].patches) == 1
    assert Mails(mails).duplicates == {mid("same"): 4}


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("how", ["cover", "loose", "chain"])
def test_ten_thousand_patches(how):
    total = 10_000
    numbers = list(range(1, total + 1))
    random.Random(1).shuffle(numbers)
    above = {"cover": "top", "loose": None, "chain": "top"}[how]
    mails = [Mail(mid("top"), f"[PATCH 0/{total}] all", "A", "a@b", None, None, (), "1 file")]
    previous = "top"
    for number in numbers:
        to = above if how != "chain" else previous
        previous = f"p{number}"
        moment = datetime(2021, 3, 1, tzinfo=UTC) + timedelta(seconds=number)
        refs = (mid(to),) if to else ()
        subject = f"[PATCH {number}/{total}] t{number}"
        body = diff(f"int x{number};")
        mails.append(Mail(mid(previous), subject, "A", "a@b", moment, None, refs, body))
    found = build(mails)
    assert max(len(r.patches) for s in found for r in s.revisions) == total


@pytest.mark.usefixtures("ends")
def test_every_patch_announces_very_many():
    mails = [
        patch(f"[PATCH {n}/99999] t{n}", f"p{n}", sender=f"A <a{n}@b>") for n in range(1, 2000)
    ]
    found = build(mails)
    assert len(found) == 1999
    assert all(len(s.revisions[0].missing) <= 200 for s in found)
    assert found[0].revisions[0].notes[0].endswith("and 99993 more")


@pytest.mark.usefixtures("ends")
def test_two_thousand_revisions_below_one_another():
    mails = [patch("[PATCH v1] t", "p1", "int x1;")]
    for n in range(2, 2001):
        mails.append(patch(f"[PATCH v{n}] t", f"p{n}", f"int x{n};", to=f"p{n - 1}", day=n / 10))
    (series,) = build(mails)
    assert len(series.revisions) == 2000


@pytest.mark.usefixtures("ends")
def test_two_thousand_times_the_same_patch():
    mails = [patch("[PATCH 1/2] t", f"p{n}", "int x;", day=n / 24) for n in range(2000)]
    (series,) = build(mails)
    assert len(series.revisions) == 1


@pytest.mark.usefixtures("ends")
def test_two_thousand_senders_of_the_same_title():
    mails = [
        patch(f"[PATCH v{1 + n % 2}] t", f"p{n}", f"int x{n};", sender=f"A <a{n}@b>", day=n / 24)
        for n in range(2000)
    ]
    assert build(mails)


# ---------------------------------------------------------------- properties


@given(st.binary(max_size=2000))
@settings(max_examples=300)
def test_any_bytes_make_a_mail(data):
    got = parse_mail(data)
    assert got.message_id
    assert "\n" not in got.subject
    assert got.date is None or got.date.tzinfo is UTC
    build(got)


HEADERS = st.sampled_from(
    [
        *("From", "Subject", "Date", "Message-ID", "References", "In-Reply-To"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Received"),
    ]
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"multipart/mixed; boundary=x",
            b"message/rfc822",
            b"text/plain; charset=utf-16; format=flowed",
            b"base64",
            b"quoted-printable",
            b"uuencode",
            b"[PATCH v2 1/3] x",
            b"<a@b> <c@d>",
            b"=?utf-8?b?gICA?=",
        ]
    ),
)


@given(
    st.lists(st.tuples(HEADERS, VALUES), max_size=8),
    st.lists(st.one_of(st.binary(max_size=40), st.just(b"\n--x\n"), st.just(b"\n\n")), max_size=8),
)
@settings(max_examples=300)
def test_any_headers_make_a_mail(headers, parts):
    head = b"".join(name.encode() + b": " + value + b"\n" for name, value in headers)
    got = parse_mail(head + b"\n" + b"".join(parts))
    assert got.message_id
    build(got)


BODY = st.lists(
    st.one_of(
        st.sampled_from([b"From here", b">From here", b"From mboxrd@z Thu Jan  1", b"", b"> x"]),
        st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")),
    ),
    max_size=10,
).map(lambda lines: b"".join(line + b"\n" for line in lines))


@given(st.lists(BODY, min_size=1, max_size=5))
def test_an_mbox_gives_its_mails_back(bodies):
    raws = [raw_mail("x", f"m{n}") + body for n, body in enumerate(bodies)]
    text = io.BytesIO()
    for raw in raws:
        text.write(FROM)
        for line in raw.splitlines(keepends=True) if b"\r" not in raw else raw.split(b"\n"):
            quoted = line.lstrip(b">").startswith(b"From ")
            text.write(b">" + line if quoted else line)
        text.write(b"\n")
    text.seek(0)
    assert [raw for raw, cut in mbox.split_mbox(text) if not cut] == raws


WORDS = ["", "v2", "v3", "v2.1", "RFC", "RESEND", "5.10", "v4 RESEND"]
TITLES = ["walnut: a", "walnut: b", "walnut: c"]


@st.composite
def threads(draw):
    """Mails of few senders, titles and numbers, each answering any of the others or nothing."""
    count = draw(st.integers(1, 14))
    mails = []
    for number in range(count):
        counter = draw(st.sampled_from(["", "0/2", "1/2", "2/2", "3/2", "1/1", "0/0", "1.1/2"]))
        head = " ".join(filter(None, ["PATCH", draw(st.sampled_from(WORDS)), counter]))
        mark = draw(st.sampled_from(["", "", "", "", "Re: "]))
        body = draw(st.sampled_from(["", diff("int a;"), diff("int b;"), "v1: <000000@b>\n"]))
        if draw(st.booleans()):
            linked = mid(f"m{draw(st.integers(0, count))}")
            body += f"\nv1: https://example.org/r/{linked}\n"
        to = draw(st.one_of(st.none(), st.integers(0, count)))
        mails.append(
            mail(
                f"{mark}[{head}] {draw(st.sampled_from(TITLES))}",
                f"m{draw(st.integers(0, count)) if draw(st.booleans()) else number}",
                body=body,
                sender=draw(st.sampled_from(["A <a@example.org>", "B <b@example.org>"])),
                day=draw(st.sampled_from([0, 0.01, 0.5, 2, 2.01, 40, 500])),
                to=None if to is None else f"m{to}",
            )
        )
    return mails


@given(threads(), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_any_thread_makes_the_same_series_in_any_order(mails, chance):
    found = build_series(Mails(mails))
    shuffled = mails[:]
    chance.shuffle(shuffled)
    assert build_series(Mails(shuffled)) == found


@given(threads())
@settings(max_examples=400)
def test_every_patch_is_in_one_posting_or_an_extra(mails):
    given_mails = Mails(mails)
    postings = find_postings(given_mails)
    inside = [each.message_id for posted in postings.found for each in posted.mails]
    assert len(inside) == len(set(inside))
    near = {extra.message_id for posted in postings.found for extra in posted.extras}
    for each in given_mails:
        whole = has_diff(each.body) and each.subject.startswith("[PATCH")
        lost = each.message_id not in inside and each.message_id not in near
        if whole and lost:
            # a number beyond its total, or between two, with no posting near it
            assert any(word in each.subject for word in ("3/2", "1.1/2")), each.subject


@given(threads())
@settings(max_examples=200)
def test_labels_are_unique_and_numbers_hold_together(mails):
    for series in build_series(Mails(mails)):
        names = [revision.label for revision in series.revisions]
        assert len(names) == len(set(names))
        for revision in series.revisions:
            numbers = [each.number for each in revision.patches]
            assert numbers == sorted(set(numbers))
            assert not set(numbers) & set(revision.missing)
            assert set(numbers) | set(revision.missing) == set(range(1, revision.total + 1))


def test_a_reply_to_nothing_known_is_harmless():
    assert build(reply(patch("[PATCH] gone", "gone"), "r", "Acked-by: Z <z@example.org>\n")) == []
