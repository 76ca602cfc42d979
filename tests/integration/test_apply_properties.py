"""What `git am` makes of odd mails and odd diffs, patchbot makes too: all of them, and random ones.

Known differences: patchbot refuses a mail without a date (git am takes the present), and applies
one by "Mail System Internal Data", which git am takes for a mail program's own and skips.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.test_apply import BODY, DATE, DIFF, FILES, FROM, NAME, UTF8, eml, plain
from tests.support.am import apply_both
from tests.support.git_tree import make_git_tree

A_DIFF = DIFF.partition("100644\n")[2]
WHEN = "Mon, 2 Mar 2026 10:11:12 +0530"
MULTIPART = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", FILES)


def new(path: str, text: str = "+x\n", quote: str = "") -> str:
    old, made = f"{quote}a/{path}{quote}", f"{quote}b/{path}{quote}"
    return (
        f"diff --git {old} {made}\nnew file mode 100644\n--- /dev/null\n+++ {made}\n"
        f"@@ -0,0 +1 @@\n{text}"
    )


def gone(path: str, content: str | bytes) -> str:
    lines = str(content).splitlines()
    return (
        f"diff --git a/{path} b/{path}\ndeleted file mode 100644\n--- a/{path}\n+++ /dev/null\n"
        f"@@ -1,{len(lines)} +0,0 @@\n" + "".join(f"-{line}\n" for line in lines)
    )


def moved(old: str, to: str, kind: str = "rename", head: str = "") -> str:
    names = head or f"diff --git a/{old} b/{to}"
    return f"{names}\nsimilarity index 100%\n{kind} from {old}\n{kind} to {to}\n"


def empty(head: str) -> str:
    return f"diff --git {head}\nnew file mode 100644\nindex 0000000..e69de29\n"


def mode(old: str, to: str) -> str:
    return f"diff --git a/fs/a.c b/fs/a.c\nold mode {old}\nnew mode {to}\n"


def mail(body: str | bytes) -> bytes:
    return eml(plain(), body)


def patch(diff: str) -> bytes:
    return mail(f"Why.\n---\n{diff}")


def said(old: str, new_text: str | bytes) -> bytes:
    text = new_text if isinstance(new_text, bytes) else new_text.encode()
    return mail(BODY).replace(old.encode(), text)


def dated(date: str) -> bytes:
    return eml(plain().replace(WHEN, date), BODY)


def sent_by(name: str | bytes) -> bytes:
    raw = name if isinstance(name, bytes) else name.encode()
    return mail(BODY).replace(b"From: Ada Walnut <ada@example.org>", b"From: " + raw)


def encoded(charset: str, body: bytes) -> bytes:
    kind = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n"
    return eml(plain() + kind, base64.encodebytes(body))


MESSAGES: dict[str, bytes] = {
    "zone beyond 14 hours": dated("Mon, 2 Mar 2026 10:11:12 +1545"),
    "zone of a whole day": dated("Mon, 2 Mar 2026 10:11:12 -2359"),
    "zone by name": dated("Mon, 2 Mar 2026 10:11:12 EST"),
    "first day": dated("Thu, 1 Jan 1970 00:00:10 +0000"),
    "far future": dated("Thu, 1 Jan 2200 00:00:10 +0000"),
    "long past": dated("Thu, 1 Jan 1960 00:00:10 +0000"),
    "no such date": dated("yesterday-ish, never"),
    "form feed": said("Say why.", "Say why.\f\n\v\nmore \v"),
    "no character": said("Say why.", "Say \ufffe \ufdd0 \U0001ffff why."),
    "bytes of no encoding": said("Say why.", b"Say \xff\xe9 \xf0\x9f\x98 why."),
    "a lone surrogate": said("Say why.", b"Say \xed\xa0\x80 why."),
    "flowed": eml(plain() + f"{UTF8[:-1]}; format=flowed\n", BODY.replace("why.", "why \nthat.")),
    "headers of a diff in the text": said("Say why.", "Say why.\n\n--- a/zzz\n+++ b/yyy\nand"),
    "From in the text": said("Say why.", "Say why.\nFrom here on it is good.\n>From there"),
    "From: twice in the text": said("Say why.", "From: not really\nFrom: Bob <b@c.de>\n\nfoo"),
    "From: in UTF-8": eml(plain() + UTF8, f"From: Jörg Nüß <j@c.de>\n\n{BODY}"),
    "From: encoded": mail(f"From: =?utf-8?q?J=C3=B6rg?= <j@c.de>\n\n{BODY}"),
    "Subject: folded in the text": mail(f"Subject: [PATCH] other: title\n folded on\n\n{BODY}"),
    "no name": sent_by("<ada@example.org>"),
    "a name of crud": sent_by('"..,;<>" <ada@example.org>'),
    "a long name": sent_by("A" * 300 + " <ada@example.org>"),
    "a raw latin-1 name": sent_by("Adé <ada@example.org>".encode("latin-1")),
    "a raw UTF-8 name": sent_by("Adé <ada@example.org>"),
    "two From headers": eml(plain() + "From: Second <s@e.org>\n", BODY),
    "no subject": eml(FROM + DATE + NAME, BODY),
    "an empty subject": eml(plain(""), BODY),
    "nothing but a diff": eml(plain(""), f"---\n{DIFF}"),
    "only a tag": eml(plain("[PATCH]"), BODY),
    "folded and encoded": eml(plain("=?utf-8?q?na=C3=AF?=\n =?utf-8?q?ve_and?= more"), BODY),
    "an attached diff": eml(
        plain() + MULTIPART,
        "--b\nContent-Type: text/plain\n\nWhy.\n"
        f"--b\nContent-Type: text/x-patch\n\n{DIFF}\n--b--\n",
    ),
    "with HTML": eml(
        plain() + MULTIPART.replace("mixed", "alternative"),
        f"--b\nContent-Type: text/plain\n\n{BODY}\n--b\nContent-Type: text/html\n\n<p>\n--b--\n",
    ),
    "base64 with CRLF": encoded("UTF-8", BODY.replace("\n", "\r\n").encode()),
    "UTF-16": encoded("UTF-16LE", BODY.encode("utf-16-le")),
    "KOI8-R": encoded("KOI8-R", BODY.replace("why", "почему").encode("koi8-r")),
    "an unknown charset": eml(
        plain() + "Content-Type: text/plain; charset=x-nonsense\n", BODY.replace("why", "pö")
    ),
    "no end of line": mail(BODY.rstrip("\n")),
    "no end of line in the diff": mail(BODY.partition("-- \n")[0].rstrip("\n")),
}

DIFFS: dict[str, bytes] = {
    "a file in place of a folder that keeps some": patch(
        gone("fs/a.c", FILES["fs/a.c"]) + new("fs")
    ),
    "what looks like names in a hunk": patch(new("q.sql", "+-- /etc/x\n+++ /etc/y\n")),
    "no prefix": mail(BODY.replace("a/fs/a.c", "fs/a.c").replace("b/fs/a.c", "fs/a.c")),
    "other prefixes": patch(empty("old/fs/a.c new/fs/a.c")),
    "the prefixes of git diff": patch(empty("i/no-newline w/no-newline")),
    "old name with an ending": patch(A_DIFF.replace("--- a/fs/a.c", "--- a/fs/a.c.orig")),
    "new name with an ending": patch(A_DIFF.replace("+++ b/fs/a.c", "+++ b/fs/a.c.new")),
    "a subversion diff": patch("Index: fs/a.c\n=====\n" + A_DIFF.replace("a.c\n+", "a.c\t(r1)\n+")),
    "times behind the names": patch(A_DIFF.replace("a.c\n+", "a.c\t2020-01-01 00:00:00 +0000\n+")),
    "the first day for a new file": patch(
        "--- a/n.c\t1970-01-01 00:00:00 +0000\n+++ b/n.c\t2020-01-01\n@@ -0,0 +1 @@\n+x\n"
    ),
    "this folder": patch(new("./x")),
    "two slashes": patch(new("fs//x")),
    "two slashes in a known name": mail(BODY.replace("fs/a.c", "fs//a.c")),
    "a file twice": patch(
        DIFF + DIFF.replace("int changed", "int z").replace("int a11", "int changed")
    ),
    "swapped": patch(moved("fs/a.c", "fs/b.c") + moved("fs/b.c", "fs/a.c")),
    "renamed onto another": patch(moved("fs/a.c", "fs/b.c")),
    "copied onto another": patch(moved("fs/a.c", "fs/b.c", "copy")),
    "renamed below itself": patch(moved("fs/a.c", "fs/a.c/x")),
    "a header that names others": patch(moved("fs/a.c", "q.c", head="diff --git a/z b/y")),
    "a header that hides a known one": patch(moved("fs/a.c", "bin", head="diff --git a/z b/y")),
    "a quoted rename": patch(
        'diff --git "a/fs/with space.c" "b/fs/t\\tb.c"\nsimilarity index 100%\n'
        'rename from "fs/with\\040space.c"\nrename to "fs/t\\tb.c"\n'
    ),
    "quoted control characters": patch(new("fs/\\v\\f\\001x", quote='"')),
    "a known name, quoted": patch(new("fs/a\\056c", quote='"')),
    "half quoted": patch(empty('a/fs/a.c "b/fs/a.c"')),
    "the other half quoted": patch(empty('"a/fs/a.c" b/fs/a.c')),
    "a tab behind a name": patch(
        "--- a/fs/with space.c\t\n+++ b/fs/with space.c\t\n@@ -1 +1 @@\n-int space;\n+y\n"
    ),
    "a header and no more": mail(BODY + "diff --git a/x b/x\n"),
    "binary files differ": patch("diff --git a/bin b/bin\nBinary files a/bin and b/bin differ\n"),
    "no change": patch("diff --git a/fs/a.c b/fs/a.c\nindex 1111111..2222222 100644\n"),
    "the same mode": patch(mode("100644", "100644")),
    "an odd mode": patch(mode("100644", "100664")),
    "a file made a folder by mode": patch(mode("100644", "040000")),
    "a file made a link by mode": patch(mode("100644", "120000")),
    "a new file with an odd mode": patch(new("su").replace("100644", "104755")),
    "a link in place of .gitmodules": patch(new(".gitmodules").replace("100644", "120000")),
    "CR in a new file": patch(new("crlf.txt", "+x\r\n")),
    "blanks at a line's end": said("+int changed;", "+int changed;   \t "),
}

SERIES: dict[str, list[bytes]] = {
    "a file in place of a folder that keeps some": [
        patch(gone("fs/a.c", FILES["fs/a.c"])),
        patch(new("fs")),
    ],
    "there and back": [
        mail(BODY),
        said("-int a11;\n+int changed;", "-int changed;\n+int a11;"),
    ],
    "the same twice": [mail(BODY), mail(BODY)],
}


def check(repo: Path, mails: list[bytes], folder: Path) -> None:
    both = apply_both(repo, mails, folder)
    assert both.ours == both.theirs, (both.refused, both.applied.findings)
    assert bool(both.ours) != bool(both.refused)
    assert bool(both.applied.findings) or both.ours


@pytest.mark.parametrize("name", MESSAGES)
def test_an_odd_message(name: str, repo: Path, tmp_path: Path) -> None:
    check(repo, [MESSAGES[name]], tmp_path)


@pytest.mark.parametrize("name", DIFFS)
def test_an_odd_diff(name: str, repo: Path, tmp_path: Path) -> None:
    check(repo, [DIFFS[name]], tmp_path)


@pytest.mark.parametrize("name", SERIES)
def test_a_series(name: str, repo: Path, tmp_path: Path) -> None:
    check(repo, SERIES[name], tmp_path)


def test_a_mail_without_a_date_is_refused(repo: Path, tmp_path: Path) -> None:
    both = apply_both(repo, [mail(BODY).replace(DATE.encode(), b"")], tmp_path)
    assert (both.ours, both.applied.findings[0].rule) == ((), "author-unusable")


# Letters that mean something to mailinfo, to stripspace, to UTF-8 or to an author line.
TEXT = st.text(
    st.sampled_from("ab \t\n\f-:<>[](),.\"'#@=?_\\éñ日\ufeff\U0001f600\ufdd0") | st.characters(
        exclude_categories=["Cs", "Cc"]
    ),
    max_size=60,
)  # fmt: skip
LINE = TEXT.map(lambda text: text.replace("\n", " "))
# An open quote or comment in a name makes git before 2.44 read past its end: what it makes of one
# mail is not the same twice.
PERSON = LINE.map(lambda text: text.translate({ord(letter): None for letter in '"()\\'}))
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=PERSON, subject=LINE, text=TEXT, zone=ZONES, raw=st.binary(max_size=12))
@example(name="", subject="", text="", zone="+0000", raw=b"")
@example(name="a <b", subject="[PATCH", text="---", zone="-0000", raw=b"\xc3")
def test_random_messages(
    name: str,
    subject: str,
    text: str,
    zone: str,
    raw: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("message")
    repo = make_git_tree(folder / "tree", FILES)
    head = f"From: {name} <ada@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 {zone}\n{NAME}"
    head += f"Subject: {subject}\n"
    odd = raw.translate(None, b"\0\r")
    check(repo, [eml(head, f"{text}\n".encode() + odd + b"\n" + BODY.encode())], folder)
