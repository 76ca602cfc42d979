import pytest

from tests.support.mailmaker import (
    BOB,
    TITLES,
    build,
    changes,
    cover,
    diff,
    extras,
    labels,
    mail,
    mid,
    only_series,
    patch,
    patch_ids,
    post,
    posting,
    reply,
    reroll,
)


def test_three_revisions_with_the_same_title():
    series = only_series(post(1), post(2), post(3))
    assert labels(series) == ["v1", "v2", "v3"]
    assert patch_ids(series.revisions[1]) == ["v2-1", "v2-2", "v2-3", "v2-4"]
    assert series.title == "walnut: the whole nut"
    assert series.notes == (
        f"v2 ({mid('v2-0')}) goes with v1: same title and sender",
        f"v3 ({mid('v3-0')}) goes with v2: same title and sender",
    )
    assert not any(revision.partial or revision.missing for revision in series.revisions)


def test_other_titles_and_patches_are_another_series():
    assert len(build(post(1), posting("other", ["hazel: a", "hazel: b"], lead="hazel"))) == 2


def test_single_patches():
    series = only_series(
        patch("[PATCH] walnut: crack", "one", "int a;"),
        patch("[PATCH v2] walnut: crack", "two", "int b;", day=1),
        patch("[PATCH v3] walnut: crack", "three", "int c;", day=2),
    )
    assert labels(series) == ["v1", "v2", "v3"]
    assert [patch_ids(each) for each in series.revisions] == [["one"], ["two"], ["three"]]


def test_an_rfc_is_a_revision():
    series = only_series(post(1, prefix="RFC PATCH"), post(2))
    assert [(each.label, each.rfc) for each in series.revisions] == [("v1", True), ("v2", False)]


def test_an_rfc_without_number_then_a_patch_without_number():
    series = only_series(
        post(1, prefix="RFC PATCH"), posting("p", TITLES, lead="walnut: the whole nut", day=20)
    )
    assert labels(series) == ["v1", "v1.2"]
    assert series.revisions[1].notes == ("a second v1 with other content: called v1.2 here",)


def test_a_resend_is_no_revision():
    again = posting(
        "again",
        TITLES,
        changes=changes(2),
        prefix="PATCH RESEND v2",
        lead="walnut: the whole nut",
        day=30,
    )
    series = only_series(post(1), post(2), again)
    assert labels(series) == ["v1", "v2"]
    assert series.revisions[1].resends == tuple(mid(f"again-{n}") for n in range(5))
    assert series.revisions[1].notes == ("sent again on 2021-03-31 with the same content",)


def test_replies_to_a_resend_count():
    again = posting("again", ["walnut: crack"], changes=["int a;"], prefix="PATCH RESEND", day=5)
    first = posting("one", ["walnut: crack"], changes=["int a;"])
    series = only_series(first, again, reply(again[0], "r", f"Acked-by: {BOB}\n"))
    (revision,) = series.revisions
    assert [t.value for t in revision.patches[0].trailers if t.name == "Acked-by"] == [BOB]


def test_the_same_content_without_rfc_is_no_longer_an_rfc():
    series = only_series(
        post(1, prefix="RFC PATCH"),
        posting("p", TITLES, changes=changes(1), lead="walnut: the whole nut", day=20),
    )
    (revision,) = series.revisions
    assert not revision.rfc
    assert revision.notes == ("sent again on 2021-03-21 with the same content, no longer as RFC",)


def test_a_second_posting_without_version_bump():
    series = only_series(
        post(1), posting("b", TITLES, changes=changes(7), lead="walnut: the whole nut", day=20)
    )
    assert labels(series) == ["v1", "v1.2"]
    assert series.revisions[1].notes == ("a second v1 with other content: called v1.2 here",)


def test_a_second_posting_below_the_first():
    series = only_series(post(1), posting("b", TITLES, changes=changes(7), day=20, to="v1-0"))
    assert labels(series) == ["v1", "v1.2"]
    second = series.revisions[1]
    assert (second.partial, second.missing, patch_ids(second)) == (
        False,
        (),
        ["b-1", "b-2", "b-3", "b-4"],
    )
    assert second.title == "walnut: the whole nut"


def test_a_second_posting_below_the_first_with_equal_content_is_a_resend():
    series = only_series(post(1), posting("b", TITLES, changes=changes(1), day=20, to="v1-0"))
    assert labels(series) == ["v1"]
    assert series.revisions[0].resends == tuple(mid(f"b-{n}") for n in range(1, 5))


# ---------------------------------------------------------------- reworded subjects


def test_reworded_by_change_id():
    foot = "\nchange-id: 20210301-walnut-0123\n"
    series = only_series(
        posting("a", ["walnut: a", "walnut: b"], lead="old name", text="x\n", foot=foot),
        posting(
            "b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new name", foot=foot, day=9
        ),
    )
    assert labels(series) == ["v1", "v2"]
    assert series.change_id == "20210301-walnut-0123"
    assert series.notes[0].endswith("goes with v1: same change-id 20210301-walnut-0123")
    assert series.title == "new name"
    assert series.slug.startswith("20210301-walnut-0123-")


def test_other_change_ids_keep_equal_titles_apart():
    ids = ["\nchange-id: 20210301-one-1\n", "\nchange-id: 20210301-two-2\n"]
    assert len(build(post(1, foot=ids[0]), post(2, foot=ids[1]))) == 2


def test_reworded_by_link():
    text = f"Changes since v1:\n - all\n\nv1: https://lore.kernel.org/r/{mid('a-0')}/\n"
    series = only_series(
        posting("a", ["walnut: a", "walnut: b"], lead="old name"),
        posting(
            "b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new name", text=text, day=9
        ),
    )
    assert labels(series) == ["v1", "v2"]
    assert series.notes[0].endswith(f"goes with v1: its first mail links {mid('a-0')}")


def test_a_link_to_what_a_series_needs_is_no_earlier_revision():
    text = f"This is based on the previous series https://lore.kernel.org/r/{mid('a-0')}/\n"
    mails = posting("b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new", text=text, day=9)
    assert len(build(posting("a", ["walnut: a", "walnut: b"], lead="old name"), mails)) == 2


def test_a_link_to_somebody_elses_series_does_not_tie():
    text = f"v1: https://lore.kernel.org/r/{mid('a-0')}/\n"
    mails = posting("b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new", text=text, day=9)
    assert len(build(posting("a", ["walnut: a"], lead="old name", sender=BOB), mails)) == 2


def test_a_linked_posting_that_nobody_has_is_absent():
    text = "v1: https://lore.kernel.org/linux-nut/20210101.1-1-ada%40example.org/T/#u\n"
    series = only_series(post(2, text=text))
    assert series.absent == ("20210101.1-1-ada@example.org",)


def test_reworded_by_patch_titles():
    series = only_series(post(1, lead="old name"), post(2, lead="new name"))
    assert labels(series) == ["v1", "v2"]
    assert series.notes[0].endswith("goes with v1: most patch titles and the sender are the same")


def test_reworded_in_reply_to_the_revision_before():
    series = only_series(
        posting("a", ["walnut: a", "walnut: b"], lead="old name"),
        posting("b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new name", to="a-0", day=9),
    )
    assert series.notes[0].endswith("goes with v1: posted in reply to it by the same sender")


def test_the_next_revision_by_somebody_else():
    series = only_series(post(1), post(2, sender=BOB))
    assert series.notes[0].endswith("goes with v1: the next revision of this title, other sender")
    assert (series.author_name, series.author_email) == ("Bob Hazel", "bob@example.com")


def test_the_same_title_by_somebody_else_without_a_revision_is_another_series():
    assert (
        len(build(post(1), posting("bob", TITLES, lead="walnut: the whole nut", sender=BOB, day=3)))
        == 2
    )


def test_the_same_title_years_later_is_another_series():
    again = posting("again", TITLES, lead="walnut: the whole nut", day=900)
    assert len(build(post(1), again)) == 2
    assert len(build(post(1), post(3, day=900))) == 2


def test_the_very_next_revision_may_take_two_years():
    assert labels(only_series(post(1), post(2, day=900))) == ["v1", "v2"]


def test_a_link_without_a_revision_does_not_tie_series_that_share_nothing():
    text = f"The previous part of this work: https://lore.kernel.org/r/{mid('a-0')}/\n"
    mails = posting("b", ["hazel: c", "hazel: d"], prefix="PATCH v2", lead="new", text=text, day=9)
    assert len(build(posting("a", ["walnut: a", "walnut: b"], lead="old name"), mails)) == 2


def test_a_series_that_follows_another_with_its_own_numbers_stays_apart():
    first = [post(n) for n in (1, 2)]
    text = f"Earlier work, v2: https://lore.kernel.org/r/{mid('v2-0')}/\n"
    second = [
        posting(
            f"b{n}",
            ["hazel: c", TITLES[0]],
            prefix=f"PATCH v{n}",
            lead="hazel",
            text=text,
            day=90 + n,
        )
        for n in (1, 2, 3)
    ]
    assert [labels(series) for series in build(*first, *second)] == [
        ["v1", "v2"],
        ["v1", "v2", "v3"],
    ]


def test_the_same_title_with_other_patches_and_no_higher_revision_is_another_series():
    assert (
        len(
            build(
                post(1, lead="fixes"), posting("x", ["hazel: q", "hazel: r"], lead="fixes", day=40)
            )
        )
        == 2
    )


def test_numbers_that_start_again_are_ordered_by_time():
    again = posting(
        "new", TITLES, changes=changes(9), lead="walnut: the whole nut", prefix="PATCH", day=60
    )
    series = only_series(post(1), post(2), post(3), again)
    assert labels(series) == ["v1", "v2", "v3", "v1.2"]
    assert series.revisions[-1].notes == (
        "the numbers start again: v1 came after v3",
        "a second v1 with other content: called v1.2 here",
    )


def test_an_old_revision_resent_starts_no_new_count():
    again = posting(
        "new", TITLES, changes=changes(1), lead="walnut: the whole nut", prefix="PATCH", day=60
    )
    series = only_series(post(1), post(2), post(3), again)
    assert labels(series) == ["v1", "v2", "v3"]
    assert series.revisions[0].resends


def test_the_next_number_under_a_longer_title():
    kept, more = TITLES[:1], [f"hazel: {n}" for n in range(3)]
    first = posting("a", [*kept, *more], prefix="PATCH v5", lead="crack the walnut open")
    second = posting(
        "b", [*kept, "x: 1", "x: 2", "x: 3"], prefix="PATCH v6", lead="crack the walnut", day=20
    )
    series = only_series(first, second)
    assert series.notes[0].endswith("goes with v5: the next number, a similar title")


# ---------------------------------------------------------------- partial re-rolls


@pytest.mark.parametrize("to", ["v1-2", "v1-0", None])
def test_one_patch_of_the_next_revision_alone(to):
    series = only_series(post(1), reroll(to=to))
    assert labels(series) == ["v1", "v2"]
    second = series.revisions[1]
    assert second.partial
    assert patch_ids(second) == ["v1-1", "again", "v1-3", "v1-4"]
    assert [each.reroll_of for each in second.patches] == ["v1", None, "v1", "v1"]
    assert second.missing == ()
    assert second.title == "walnut: the whole nut"
    assert "only 2/4 was sent: the other patches are those of v1" in second.notes
    tie = (
        "sent alone in reply to the patch it replaces"
        if to
        else "numbered and titled like patches of it"
    )
    assert series.notes[0].endswith(tie)


def test_a_reworded_reroll_in_reply_to_its_patch():
    series = only_series(
        post(1), patch("[PATCH v2 2/4] walnut: split", "again", "int again;", to="v1-2", day=12)
    )
    assert patch_ids(series.revisions[1]) == ["v1-1", "again", "v1-3", "v1-4"]


def test_two_patches_rerolled_together():
    mails = [
        patch(f"[PATCH v2 2/4] {TITLES[1]}", "b2", "int b2;", to="v1-2", day=12),
        patch(f"[PATCH v2 3/4] {TITLES[2]}", "c2", "int c2;", to="v1-3", day=12.001),
    ]
    series = only_series(post(1), mails)
    assert labels(series) == ["v1", "v2"]
    assert patch_ids(series.revisions[1]) == ["v1-1", "b2", "c2", "v1-4"]
    assert "only 2/4, 3/4 were sent: the other patches are those of v1" in series.revisions[1].notes


def test_a_reroll_without_a_counter():
    series = only_series(
        post(1), patch(f"[PATCH v2] {TITLES[2]}", "again", "int again;", to="v1-3", day=12)
    )
    assert patch_ids(series.revisions[1]) == ["v1-1", "v1-2", "again", "v1-4"]
    assert [each.number for each in series.revisions[1].patches] == [1, 2, 3, 4]
    assert "only 3/4 was sent: the other patches are those of v1" in series.revisions[1].notes


def test_a_reworded_reroll_without_a_counter_in_reply_to_its_patch():
    again = patch("[PATCH v2] walnut: swallow", "again", "int again;", to="v1-3", day=12)
    assert patch_ids(only_series(post(1), again).revisions[1]) == ["v1-1", "v1-2", "again", "v1-4"]


def test_patches_sent_again_under_the_same_revision():
    mails = [
        patch(f"[PATCH v2 2/4] {TITLES[1]}", "b2", "int b2;", to="v2-2", day=22),
        patch(f"[PATCH v2 3/4] {TITLES[2]}", "c2", "int c2;", to="b2", day=22.001),
    ]
    series = only_series(post(2), mails)
    assert labels(series) == ["v2", "v2.2"]
    assert patch_ids(series.revisions[1]) == ["v2-1", "b2", "c2", "v2-4"]
    assert series.notes == (f"v2 ({mid('b2')}) goes with v2: patches of it sent again",)


def test_updates_build_on_one_another():
    mails = [
        patch(f"[PATCH 2/4] {TITLES[1]}", "b2", "int b2;", to="v1-2", day=12),
        patch(f"[PATCH 3/4] {TITLES[2]}", "c2", "int c2;", to="v1-3", day=14),
    ]
    series = only_series(post(1), mails)
    assert labels(series) == ["v1", "v1.2", "v1.3"]
    assert patch_ids(series.revisions[2]) == ["v1-1", "b2", "c2", "v1-4"]


def test_a_decimal_revision():
    series = only_series(
        post(6), patch(f"[PATCH v6.1 3/4] {TITLES[2]}", "again", "int again;", to="v6-3", day=62)
    )
    assert labels(series) == ["v6", "v6.1"]
    assert patch_ids(series.revisions[1]) == ["v6-1", "v6-2", "again", "v6-4"]


def test_a_reroll_of_a_reroll():
    mails = [
        patch(f"[PATCH v2] {TITLES[2]}", "two", "int two;", to="v1-3", day=12),
        patch(f"[PATCH v3] {TITLES[2]}", "three", "int three;", to="two", day=13),
    ]
    series = only_series(post(1), mails)
    assert labels(series) == ["v1", "v2", "v3"]
    assert patch_ids(series.revisions[2]) == ["v1-1", "v1-2", "three", "v1-4"]


# ---------------------------------------------------------------- what is missing


def test_a_cover_sent_without_patches_then_with_them():
    series = only_series(cover("[PATCH 0/4] walnut: the whole nut", "early"), post(1))
    assert labels(series) == ["v1"]
    assert series.revisions[0].message_id == mid("v1-0")
    assert extras(series.revisions[0]) == {
        "early": "a cover letter whose patches did not come; sent again"
    }


def test_patches_missing_from_the_archive():
    series = only_series(post(1, only=[1, 4]))
    (revision,) = series.revisions
    assert (revision.total, revision.missing) == (4, (2, 3))
    assert revision.notes == ("of 4 patches, these are in no mail: 2, 3",)


def test_a_patch_of_the_next_revision_whose_cover_is_missing_is_no_reroll():
    lone = patch(f"[PATCH v2 2/4] {TITLES[1]}", "v2-2", "int b2;", to="lost", day=12)
    series = only_series(post(1), lone)
    second = series.revisions[1]
    assert not second.partial
    assert second.missing == (1, 3, 4)


def test_ten_thousand_missing_are_not_all_named():
    (revision,) = only_series(patch("[PATCH 99999/99999] walnut", "p")).revisions
    assert len(revision.missing) <= 99_998
    assert revision.notes == (
        "of 99999 patches, these are in no mail: 1, 2, 3, 4, 5 and 99993 more",
    )


# ---------------------------------------------------------------- told apart


def test_wrong_counters_replies_and_strangers_are_extras():
    mails = post(1)
    series = build(
        mails,
        patch("[PATCH 5/4] walnut: more", "five", to="v1-0", day=10.1),
        reply(mails[2], "answer", "Rather:\n\n" + diff("int rather;")),
        mail("[PATCH 4/4] numbers", "numbers", body="I measured.\n", to="v1-0", day=10.2),
        patch("[PATCH] walnut: by bob", "bobs", to="v1-3", sender=BOB, day=11),
    )
    assert [s.title for s in series] == ["walnut: the whole nut", "walnut: by bob"]
    assert extras(series[0].revisions[0]) == {
        "five": "numbered 5/4: beyond the announced total, left out",
        "answer": "a reply that carries a patch, not part of the revision",
        "numbers": "has a patch prefix but holds no diff",
        "bobs": "a patch of its own by Bob Hazel, sent into this thread",
    }


def test_stable_backports_are_no_revisions_of_the_patch():
    found = build(
        patch("[PATCH] walnut: crack", "main", "int a;"),
        patch("[PATCH 6.1 08/11] walnut: crack", "six", "int a;", day=20),
        patch("[PATCH AUTOSEL 5.14 09/25] walnut: crack", "auto", "int a;", day=21),
        patch("[PATCH v5.10] walnut: crack", "five", "int a;", day=22),
    )
    assert [labels(series) for series in found] == [["v1"]] * 4


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ("PATCH v6.1.y", "PATCH v2 6.1.y", 1),
        ("PATCH 6.1-stable", "PATCH v2 6.1", 1),
        ("PATCH 6.1.y", "PATCH v2 5.15.y", 2),
        ("PATCH v10 rebased on v6.4", "PATCH v11", 1),
    ],
)
def test_revisions_for_one_tree(first, second, count):
    one = patch(f"[{first} 1/1] walnut: crack", "one", "int a;")
    two = patch(f"[{second} 1/1] walnut: crack", "two", "int b;", day=5)
    assert len(build(one, two)) == count


# ---------------------------------------------------------------- titles, authors, footers


def test_the_title_of_a_series_without_cover_is_that_of_its_first_patch():
    assert only_series(post(1, lead=None)).title == TITLES[0]


def test_a_newest_revision_without_cover_keeps_the_name_of_the_older():
    series = only_series(post(1), post(2, lead=None))
    assert series.title == "walnut: the whole nut"
    assert series.revisions[1].title == TITLES[0]


def test_an_untouched_cover_template_is_no_title():
    series = only_series(post(1, lead="*** SUBJECT HERE ***"))
    assert series.title == TITLES[0]


def test_the_author_in_the_body():
    body = "From: Bob Hazel <bob@example.com>\n\nWhy.\n\nSigned-off-by: x <x@y>\n---\n" + diff("x")
    series = only_series(mail("[PATCH] walnut: crack", "p", body=body))
    (got,) = series.revisions[0].patches
    assert (got.author_name, got.author_email) == ("Bob Hazel", "bob@example.com")
    assert series.revisions[0].author_email == "ada@example.org"


def test_base_and_prerequisites():
    commit = "0123456789abcdef0123456789abcdef01234567"
    foot = f"\nbase-commit: {commit}\nprerequisite-patch-id: {commit[::-1]}\n"
    (revision,) = only_series(post(1, foot=foot)).revisions
    assert revision.base_commit == commit
    assert revision.prerequisites == (commit[::-1],)


def test_paths_and_blobs_reach_the_patch():
    (got,) = only_series(patch("[PATCH] x", "p")).revisions[0].patches
    assert got.paths == ("fs/walnut/file.c",)
    assert got.blobs == (("fs/walnut/file.c", "1111111", "2222222"),)


def test_problems_of_a_mail_are_notes():
    flowed = "Content-Type: text/plain; format=flowed"
    (revision,) = only_series(patch("[PATCH] x", "p", headers=[flowed])).revisions
    assert revision.notes == (
        f"{mid('p')}: format=flowed: white space of the patch may be damaged",
    )
