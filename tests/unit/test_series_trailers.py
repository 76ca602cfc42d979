from tests.support.mailmaker import (
    ADA,
    changes,
    only_series,
    post,
    reply,
    reroll,
)

BOBS = "Bob Hazel <bob@example.com>"


def named(patch_or_revision):
    return [
        (t.name, t.value, t.carried_from)
        for t in patch_or_revision.trailers
        if t.name != "Signed-off-by"
    ]


def test_trailers_go_to_the_patch_they_answer():
    mails = post(1)
    (revision,) = only_series(
        mails,
        reply(mails[2], "r2", f"Reviewed-by: {BOBS}\n"),
        reply(mails[3], "r3", f"> Reviewed-by: {BOBS}\nNACK\n"),
    ).revisions
    assert [named(each) for each in revision.patches] == [
        [],
        [("Reviewed-by", BOBS, None)],
        [("Nacked-by", "Bob Hazel <bob@example.com>", None)],
        [],
    ]


def test_trailers_of_a_deep_reply():
    mails = post(1)
    first = reply(mails[2], "r1", "Why?\n")
    second = reply(first, "r2", "Because.\n", sender=ADA)
    third = reply(second, "r3", f"Reviewed-by: {BOBS}\n")
    (revision,) = only_series(mails, first, second, third).revisions
    assert named(revision.patches[1]) == [("Reviewed-by", BOBS, None)]


def test_trailers_for_the_cover_belong_to_the_revision():
    mails = post(1)
    (revision,) = only_series(mails, reply(mails[0], "r", f"Acked-by: {BOBS}\n")).revisions
    assert named(revision) == [("Acked-by", BOBS, None)]
    assert revision.trailers[0].scope == "cover"
    assert named(revision.patches[0]) == []


def test_a_trailer_said_twice_counts_once():
    mails = post(1)
    again = [reply(mails[1], f"r{n}", f"Acked-by: {BOBS}\n") for n in range(3)]
    (revision,) = only_series(mails, again).revisions
    assert named(revision.patches[0]) == [("Acked-by", BOBS, None)]


def test_an_unchanged_patch_keeps_its_reviews():
    first = post(1)
    second = post(2, changes=[*changes(1)[:2], *changes(2)[2:]])
    tags = [reply(first[n], f"r{n}", f"Reviewed-by: {BOBS}\n") for n in (1, 3)]
    series = only_series(first, second, tags)
    assert named(series.revisions[1].patches[0]) == [("Reviewed-by", BOBS, "v1")]
    assert named(series.revisions[1].patches[2]) == []


def test_a_review_of_the_later_revision_does_not_go_back():
    first, second = post(1), post(2, changes=changes(1))
    series = only_series(first, second, reply(second[1], "r", f"Reviewed-by: {BOBS}\n"))
    assert named(series.revisions[0].patches[0]) == []


def test_carried_reviews_name_the_revision_that_earned_them():
    mails = [post(n, changes=changes(1)) for n in (1, 2, 3)]
    series = only_series(*mails, reply(mails[0][1], "r", f"Reviewed-by: {BOBS}\n"))
    assert named(series.revisions[2].patches[0]) == [("Reviewed-by", BOBS, "v1")]


def test_a_review_of_a_patch_kept_by_a_reroll_is_earned_once():
    first = post(1)
    third = post(3, changes=changes(1))
    review = reply(first[1], "r", f"Acked-by: {BOBS}\n")
    series = only_series(first, reroll(to="v1-2"), third, review)
    assert named(series.revisions[2].patches[0]) == [("Acked-by", BOBS, "v1")]
    carried = [t.carried_from for t in series.revisions[2].patches[0].trailers]
    assert carried.count("v1") == 1
    assert "v2" not in carried


def test_a_reroll_keeps_the_reviews_of_the_patches_it_keeps():
    first = post(1)
    series = only_series(first, reroll(to="v1-2"), reply(first[1], "r", f"Acked-by: {BOBS}\n"))
    assert [t[:2] for t in named(series.revisions[1].patches[0])] == [("Acked-by", BOBS)]
