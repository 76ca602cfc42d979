from patchbot.mail.postings import find_postings
from patchbot.mail.thread import Mails
from tests.support.mailmaker import BOB, cover, diff, mail, mid, patch, posting, reply


def found(*mails):
    flat = []
    for each in mails:
        flat.extend(each if isinstance(each, list) else [each])
    return find_postings(Mails(flat)).found


def one(*mails):
    (posted,) = found(*mails)
    return posted


def shape(posted):
    numbers = {n: m.message_id.partition("@")[0] for n, m in sorted(posted.patches.items())}
    return posted.number, posted.total, numbers


def reasons(posted):
    return {e.message_id.partition("@")[0]: e.reason for e in posted.extras}


def test_a_cover_and_its_patches():
    posted = one(posting("v2", ["a", "b"], prefix="PATCH v2", lead="walnut: both"))
    assert posted.cover.message_id == mid("v2-0")
    assert shape(posted) == (2, 2, {1: "v2-1", 2: "v2-2"})
    assert posted.complete
    assert posted.title == "walnut: both"


def test_a_single_patch_without_a_counter():
    posted = one(patch("[PATCH] walnut: crack", "p"))
    assert shape(posted) == (1, 1, {1: "p"})
    assert not posted.counted


def test_a_cover_without_revision_takes_that_of_its_patches():
    mails = posting("s", ["a", "b"], prefix="PATCH v3", lead="both", lead_prefix="PATCH")
    posted = one(mails)
    assert posted.number == 3
    assert posted.notes == ["the cover letter names no revision, its patches say v3"]


def test_patches_without_revision_take_that_of_the_cover():
    posted = one(posting("s", ["a", "b"], lead="both", lead_prefix="PATCH v3"))
    assert shape(posted) == (3, 2, {1: "s-1", 2: "s-2"})


def test_a_cover_without_any_counter():
    top = cover("[PATCH v2] walnut: both", "s-0")
    posted = one(top, posting("s", ["a", "b"], prefix="PATCH v2", to="s-0"))
    assert posted.cover is top
    assert posted.total == 2


def test_a_cover_that_announces_another_total():
    top = cover("[PATCH v2 0/3] walnut: both", "s-0")
    posted = one(top, posting("s", ["a", "b"], prefix="PATCH v2", to="s-0"))
    assert posted.cover is top
    assert posted.total == 2
    assert posted.notes == ["the cover letter announces 3 patches, the patches say 2"]


def test_patches_of_one_run_with_another_total_fill_the_gaps():
    run = "20210301120000.77"
    top = cover("[PATCH v6 0/3] all", f"{run}-1-ada@example.org")
    ones = [
        patch(f"[PATCH v6 {n}/{total}] t{n}", f"{run}-{n + 1}-ada@example.org", to=top.message_id)
        for n, total in ((1, 3), (2, 2), (3, 3))
    ]
    posted = one(top, ones)
    assert sorted(posted.patches) == [1, 2, 3]
    assert posted.notes == ["numbered of another total than 3: patch 2"]


def test_without_threading_sender_revision_total_and_time_decide():
    mails = posting("s", ["a", "b", "c"], prefix="PATCH v2", lead="all", threaded=False)
    posted = one(mails)
    assert shape(posted) == (2, 3, {1: "s-1", 2: "s-2", 3: "s-3"})
    assert posted.notes == ["sent without threading: put together by sender, number and time"]


def test_without_threading_other_senders_totals_and_days_stay_apart():
    first = posting("s", ["a", "b", "c"], only=[1], threaded=False)
    later = posting("t", ["a", "b", "c"], only=[2], day=3, threaded=False)
    other = posting("u", ["a", "b", "c"], only=[3], sender=BOB, threaded=False)
    longer = posting("w", ["a", "b", "c", "d"], only=[4], threaded=False)
    assert len(found(first, later, other, longer)) == 4


def test_two_incomplete_series_of_one_hour_below_other_covers_stay_apart():
    first = posting("s", ["a", "b"], only=[1], to="x")
    second = posting("t", ["c", "d"], only=[2], to="y")
    assert [shape(posted)[2] for posted in found(first, second)] == [{1: "s-1"}, {2: "t-2"}]


def test_a_cover_and_a_patch_that_answer_one_mail():
    top = cover("[PATCH v2 0/1] walnut: crack", "s-0", to="discussion")
    posted = one(top, patch("[PATCH v2 1/1] walnut: crack", "s-1", to="discussion"))
    assert posted.cover is top
    assert shape(posted) == (2, 1, {1: "s-1"})


def test_each_patch_below_the_one_before():
    mails = [
        patch("[PATCH 1/3] a", "p1"),
        patch("[PATCH 2/3] b", "p2", to="p1"),
        patch("[PATCH 3/3] c", "p3", to="p2", refs=["p1"]),
    ]
    assert shape(one(mails)) == (1, 3, {1: "p1", 2: "p2", 3: "p3"})


def test_patches_below_a_cover_that_nobody_has():
    mails = posting("s", ["a", "b", "c"], only=[1, 3], to="lost")
    posted = one(mails)
    assert shape(posted) == (1, 3, {1: "s-1", 3: "s-3"})
    assert posted.notes == ["its first mail is not here: its patches answer one that nobody has"]


def test_a_counter_beyond_the_total_is_left_out():
    mails = posting("s", ["a", "b"], lead="both")
    odd = patch("[PATCH 5/2] c", "odd", to="s-0")
    posted = one(mails, odd)
    assert shape(posted) == (1, 2, {1: "s-1", 2: "s-2"})
    assert reasons(posted) == {"odd": "numbered 5/2: beyond the announced total, left out"}


def test_a_lone_counter_beyond_its_total_is_no_posting():
    assert found(patch("[PATCH 5/4] c", "odd")) == ()


def test_nought_of_nought_is_a_single_patch():
    assert shape(one(patch("[PATCH 0/0] a", "p"))) == (1, 1, {1: "p"})


def test_nought_of_nought_without_diff_is_a_cover():
    (posted,) = found(cover("[PATCH 0/0] a", "c"), posting("s", ["a", "b"], to="c"))
    assert posted.cover.message_id == mid("c")


def test_a_number_between_numbers_is_left_out_and_named():
    mails = posting("s", ["a", "b"], lead="both")
    posted = one(mails, patch("[PATCH 1.1/2] between", "odd", to="s-1"))
    assert reasons(posted) == {"odd": "numbered between two patches, left out"}


def test_a_reply_with_a_patch_is_no_patch():
    mails = posting("s", ["a", "b"], lead="both")
    answer = reply(mails[1], "r", "How about this?\n\n" + diff("int better;"))
    posted = one(mails, answer)
    assert shape(posted) == (1, 2, {1: "s-1", 2: "s-2"})
    assert reasons(posted) == {"r": "a reply that carries a patch, not part of the revision"}


def test_a_prefix_without_a_diff_is_no_patch():
    mails = posting("s", ["a", "b"], lead="both")
    odd = mail("[PATCH 2/2] b", "odd", body="This is what I measured.\n", to="s-0")
    posted = one(mails, odd)
    assert shape(posted) == (1, 2, {1: "s-1", 2: "s-2"})
    assert reasons(posted) == {"odd": "has a patch prefix but holds no diff"}


def test_somebody_elses_patch_in_the_thread_is_a_posting_of_its_own():
    mails = posting("s", ["a", "b"], lead="both")
    first, second = found(mails, patch("[PATCH 2/2] mine", "bob", to="s-2", sender=BOB, day=1))
    assert shape(first) == (1, 2, {1: "s-1", 2: "s-2"})
    assert reasons(first) == {"bob": "a patch of its own by Bob Hazel, sent into this thread"}
    assert second.parent is first


def test_a_patch_sent_twice_with_the_same_content():
    mails = posting("s", ["a", "b"], lead="both")
    posted = one(mails, patch("[PATCH 2/2] b", "twice", to="s-0", day=0.1))
    assert shape(posted) == (1, 2, {1: "s-1", 2: "s-2"})
    assert reasons(posted) == {"twice": "patch 2 sent twice, same content"}


def test_a_patch_sent_again_with_other_content_updates_the_posting():
    mails = posting("s", ["a", "b"], lead="both")
    first, update = found(mails, patch("[PATCH 2/2] b", "again", "int b2;", to="s-2", day=1))
    assert update.updates is first
    assert shape(update) == (1, 2, {2: "again"})
    assert update.notes == [
        "patch 2 was sent again with other content and the same revision number"
    ]


def test_patches_sent_again_together_are_one_update():
    mails = posting("s", ["a", "b", "c", "d"], lead="all")
    again = [
        patch("[PATCH 2/4] b", "b2", "int b2;", to="s-2", day=1.0),
        patch("[PATCH 3/4] c", "c2", "int c2;", to="b2", day=1.001),
        patch("[PATCH 4/4] d", "d2", "int d2;", to="c2", day=1.002),
    ]
    first, update = found(mails, again)
    assert update.updates is first
    assert shape(update) == (1, 4, {2: "b2", 3: "c2", 4: "d2"})
    assert update.notes == [
        "patches 2, 3, 4 were sent again with other content and the same revision number"
    ]


def test_patches_sent_again_on_other_days_are_two_updates():
    mails = posting("s", ["a", "b", "c"], lead="all")
    first, one_, two = found(
        mails,
        patch("[PATCH 2/3] b", "b2", "int b2;", to="s-2", day=1),
        patch("[PATCH 3/3] c", "c2", "int c2;", to="s-3", day=4),
    )
    assert (one_.updates, two.updates) == (first, first)
    assert (shape(one_)[2], shape(two)[2]) == ({2: "b2"}, {3: "c2"})


def test_all_patches_sent_again_below_the_first_are_a_posting_of_their_own():
    titles = [f"walnut: part {n}" for n in range(1, 6)]
    mails = posting("s", titles, lead="all")
    again = posting("t", titles, changes=[f"int {n};" for n in range(5)], day=2, to="s-0")
    first, second = found(mails, again)
    assert (second.updates, second.repeats) == (None, first)
    assert shape(second) == (1, 5, {n: f"t-{n}" for n in range(1, 6)})


def test_a_second_posting_fills_no_gap_of_the_first():
    titles = [f"walnut: part {n}" for n in range(1, 6)]
    mails = posting("s", titles, lead="all", only=[1, 2, 4, 5])
    again = posting("t", titles, changes=[f"int {n};" for n in range(5)], day=2, to="s-0")
    first, second = found(mails, again)
    assert sorted(first.patches) == [1, 2, 4, 5]
    assert sorted(second.patches) == [1, 2, 3, 4, 5]


def test_a_late_patch_fills_the_gap():
    mails = posting("s", ["a", "b", "c"], lead="all", only=[1, 3])
    posted = one(mails, patch("[PATCH 2/3] b", "late", to="s-0", day=2))
    assert shape(posted) == (1, 3, {1: "s-1", 2: "late", 3: "s-3"})


def test_decimal_revisions_follow_their_thread_and_else_name_a_tree():
    mails = posting("s", ["a", "b"], prefix="PATCH v6", lead="both")
    first, update = found(mails, patch("[PATCH v6.1 2/2] b", "b2", "int b2;", to="s-2", day=1))
    assert (first.number, update.number, update.minor) == (6, 6, 1)
    stable = one(patch("[PATCH v6.1] walnut: crack", "p"))
    assert (stable.version, stable.minor, stable.target) == (None, None, ("6.1",))


def test_trees_never_mix():
    mails = posting("s", ["a", "b"], prefix="PATCH 5.10", only=[1], threaded=False)
    other = posting("t", ["a", "b"], prefix="PATCH 5.15", only=[2], threaded=False)
    assert sorted(posted.target for posted in found(mails, other)) == [("5.10",), ("5.15",)]


def test_pull_requests_are_no_postings():
    assert found(mail("[GIT PULL] walnut for 5.12", "p", body="The following changes\n")) == ()


def test_plain_mails_and_bug_reports_with_a_diff_are_no_postings_unless_signed_off():
    assert found(mail("walnut hangs", "p", body=diff("int x;"))) == ()
    body = "Why.\n\nSigned-off-by: Ada Walnut <ada@example.org>\n---\n" + diff("int x;")
    assert shape(one(mail("walnut: crack", "p", body=body))) == (1, 1, {1: "p"})


def test_ten_thousand_patches_in_one_chain():
    mails = [patch("[PATCH 1/9999] p1", "p1", "int p1;")]
    mails += [
        patch(f"[PATCH {n}/9999] p{n}", f"p{n}", f"int p{n};", day=n / 1440, to=f"p{n - 1}")
        for n in range(2, 10_000)
    ]
    assert len(one(mails).patches) == 9999
