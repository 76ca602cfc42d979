import pytest

from patchbot.errors import MailError
from patchbot.mail.links import find_earlier_ids, find_fixed, find_linked_ids, find_needed
from patchbot.mail.postings import find_postings
from patchbot.mail.series import build_series, find_revision, select_series
from patchbot.mail.thread import Mails
from tests.support.mailmaker import (
    ADA,
    TITLES,
    build,
    cover,
    mail,
    mid,
    patch,
    post,
    reply,
)


def test_any_mail_selects_its_series():
    first, second = post(1), post(2)
    answer = reply(second[2], "r", "Hm.\n")
    deep = reply(answer, "rr", "Hm?\n", sender=ADA)
    mails = Mails([*first, *second, answer, deep, patch("[PATCH] hazel", "other")])
    found = build_series(mails)
    for start in ("v1-0", "v2-3", "r", "rr"):
        assert select_series(found, mails, mid(start)).title == "walnut: the whole nut"
    series = select_series(found, mails, mid("rr"))
    assert find_revision(series, mid("rr"), mails).label == "v2"
    assert find_revision(series, mid("v1-3"), mails).label == "v1"


def test_a_mail_above_the_patches_selects_them():
    report = mail("walnut hangs", "report", body="It hangs.\n")
    mails = Mails([report, patch("[PATCH] walnut: crack", "p", to="report", day=1)])
    assert select_series(build_series(mails), mails, mid("report")).title == "walnut: crack"


def test_unknown_mails_and_threads_without_patch_say_so():
    mails = Mails([mail("hello", "hello", body="Hi.\n")])
    with pytest.raises(MailError, match="its thread holds no patch"):
        select_series([], mails, mid("hello"))
    with pytest.raises(MailError, match="is not among the mails"):
        select_series([], mails, mid("nobody"))


def test_linked_ids():
    body = (
        "v1: https://lore.kernel.org/r/20210101.1-1-a%40b.example/\n"
        "<20210102123456.2-1-a@b.example>\n> https://lore.kernel.org/r/quoted.1@b.example\n"
        "http://127.0.0.1:8080/linux-nut/plain.1@b.example/T/#t\n"
    )
    got = find_linked_ids(mail("x", "p", body=body))
    assert [each for each, _ in got] == [
        "20210101.1-1-a@b.example",
        "20210102123456.2-1-a@b.example",
        "plain.1@b.example",
    ]


def test_earlier_ids_of_a_posting():
    text = f"v1: https://lore.kernel.org/r/{mid('one')}\nDepends on: https://lore.kernel.org/r/{mid('dep')}\n"
    (posted,) = find_postings(Mails(post(2, text=text))).found
    assert find_earlier_ids(posted) == [mid("one")]


def test_what_a_fix_needs():
    base = post(1)
    fix = patch(
        "[PATCH] walnut: fix the crack",
        "fix",
        message=f'Why.\n\nFixes: 0123456789ab ("{TITLES[1]}")\n',
        day=30,
    )
    early = patch(
        "[PATCH] walnut: crack early", "early", message=f'Fixes: 0123456789ab ("{TITLES[1]}")\n'
    )
    postings = find_postings(Mails([*base, fix, early]))
    assert find_fixed(fix) == [("0123456789ab", TITLES[1])]
    assert [p.first.message_id for p in find_needed(fix, postings)] == [mid("v1-0")]
    assert find_needed(early, postings) == []


def test_a_patch_in_the_thread_of_a_posting_needs_it():
    base = post(1)
    fix = patch("[PATCH] walnut: fix", "fix", to="v1-0", day=30)
    postings = find_postings(Mails([*base, fix]))
    assert [p.first.message_id for p in find_needed(fix, postings)] == [mid("v1-0")]


def test_a_cover_alone_is_a_series_without_patches():
    (series,) = build(cover("[PATCH 0/3] walnut: lost patches", "c"))
    assert series.revisions[0].missing == (1, 2, 3)
