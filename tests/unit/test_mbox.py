import gzip
import io

import pytest

from patchbot.errors import MailError
from patchbot.mail import mbox
from patchbot.model import Mail
from tests.support.mailmaker import raw_mail

FROM = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def parsed(data: bytes) -> list[Mail]:
    return list(mbox.read_mails(io.BytesIO(data)))


def joined(*raws):
    return b"".join(FROM + raw + b"\n" for raw in raws)


def names(mails):
    return [each.message_id.partition("@")[0] for each in mails]


ONE = raw_mail("one", "a", body="text\n")
TWO = raw_mail("two", "b", body="text\n")


def test_two_mails():
    assert names(parsed(joined(ONE, TWO))) == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        b"From ada@example.org Mon Mar  1 00:00:00 2021\n",
        b"From git@z Thu Jan  1 00:00:00 1970\n",
        b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n",
        b"From MAILER-DAEMON Mon Mar  1 00:00:00 2021\n",
    ],
)
def test_kinds_of_from_lines(line):
    assert names(parsed(line + ONE + b"\n" + line + TWO)) == ["a", "b"]


def test_from_in_a_body_cuts_no_mail():
    prose = raw_mail("one", "a", body="x\n\nFrom here it goes on.\nFrom the Monday build\n")
    got = parsed(joined(prose, TWO))
    assert names(got) == ["a", "b"]
    assert "\nFrom here it goes on.\nFrom the Monday build\n" in got[0].body


def test_quoted_from_lines_lose_one_bracket():
    text = raw_mail("one", "a", body=">From here\n>>From there\n> From elsewhere\n")
    (got,) = parsed(joined(text))
    assert got.body.startswith("From here\n>From there\n> From elsewhere\n")


def test_a_single_mail_without_from_line_keeps_its_quotes():
    (got,) = parsed(raw_mail("one", "a", body=">From here\n"))
    assert got.body == ">From here\n"


def test_a_git_patch_file_inside_a_mail_is_not_a_second_mail():
    inner = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    raw = ONE + b"\n" + inner + b"From: Eve <eve@example.net>\n"
    assert names(parsed(raw)) == ["a"]


def test_sources(tmp_path):
    plain = tmp_path / "x.mbox"
    plain.write_bytes(joined(ONE, TWO))
    packed = tmp_path / "x.mbox.gz"
    packed.write_bytes(gzip.compress(joined(ONE, TWO)))
    assert names(mbox.read_source(plain)) == names(mbox.read_source(packed)) == ["a", "b"]


def test_a_maildir(tmp_path):
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cur" / "1:2,S").write_bytes(ONE)
    (tmp_path / "new" / "2").write_bytes(TWO)
    (tmp_path / "tmp" / "3").write_bytes(raw_mail("half", "c"))
    assert names(mbox.read_source(tmp_path)) == ["a", "b"]


def test_a_folder_of_files(tmp_path):
    (tmp_path / "1.eml").write_bytes(ONE)
    (tmp_path / "2.mbox.gz").write_bytes(gzip.compress(joined(TWO)))
    (tmp_path / "README").write_bytes(b"These are mails.\n")
    assert names(mbox.read_source(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no mail in it"),
        (b"\n\n\n", "no mail in it"),
        (b"just some text\n", "no mail in it"),
        (b"\x00" * 1000, "no mail in it"),
        (gzip.compress(joined(ONE) * 50)[:-30], "compressed, but broken"),
        (b"\x1f\x8bnonsense", "compressed, but broken"),
        (gzip.compress(b"", mtime=0), "no mail in it"),
    ],
)
def test_sources_without_mail_say_so(tmp_path, data, message):
    path = tmp_path / "x.mbox"
    path.write_bytes(data)
    with pytest.raises(MailError, match=message):
        mbox.read_source(path)


def test_a_missing_source(tmp_path):
    with pytest.raises(MailError, match="No such file"):
        mbox.read_source(tmp_path / "none")


def test_standard_input():
    assert names(mbox.read_stdin(io.BytesIO(joined(ONE, TWO)))) == ["a", "b"]
    assert names(mbox.read_stdin(io.BytesIO(gzip.compress(joined(ONE, TWO))))) == ["a", "b"]
    raw = io.BufferedReader(io.BytesIO(gzip.compress(joined(ONE))))
    assert names(mbox.read_stdin(raw)) == ["a"]
    with pytest.raises(MailError, match="standard input holds no mail"):
        mbox.read_stdin(io.BytesIO(b""))
    with pytest.raises(MailError, match="standard input: compressed, but broken"):
        mbox.read_stdin(io.BytesIO(gzip.compress(ONE * 9)[:-20]))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_pieces_of_any_size_give_the_same_mails(monkeypatch, size):
    prose = raw_mail("one", "a", body="x\nFrom ada@example.org Mon Mar 1\n\n>From here\n")
    text = joined(prose, TWO, ONE)
    wanted = list(mbox.split_mbox(io.BytesIO(text)))
    monkeypatch.setattr(mbox, "_CHUNK_BYTES", size)
    assert list(mbox.split_mbox(io.BytesIO(text))) == wanted
    assert len(wanted) == 3
