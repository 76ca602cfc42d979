import pytest

from patchbot.mail.trailers import find_patch_trailers, find_reply_trailers, unquoted
from tests.support.mailmaker import BOB, mail, patch


def said(text, sender=BOB):
    found = find_reply_trailers(mail("Re: x", "r", body=text, sender=sender), "patch")
    return [(each.name, each.value) for each in found]


BOBS = "Bob Hazel <bob@example.com>"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"Reviewed-by: {BOBS}", "Reviewed-by"),
        (f"Acked-by: {BOBS}", "Acked-by"),
        (f"Tested-by: {BOBS}", "Tested-by"),
        (f"reviewed-by: {BOBS}", "Reviewed-by"),
        (f"Reviewed-By: {BOBS}", "Reviewed-by"),
        (f"  Reviewed-by: {BOBS}", "Reviewed-by"),
        (f"Reviewed-and-tested-by: {BOBS}", "Reviewed-and-tested-by"),
        (f"Nacked-by: {BOBS}", "Nacked-by"),
        (f"NAKed-by: {BOBS}", "Nacked-by"),
        (f"NACKed-by: {BOBS}", "Nacked-by"),
    ],
)
def test_trailers_of_replies(line, name):
    assert said(f"Fine.\n\n{line}\n") == [(name, BOBS)]


@pytest.mark.parametrize("word", ["NACK", "NAK", "Nacked", "NACK.", "  NAK, this breaks walnut"])
def test_a_bare_nack_counts_as_one_by_its_sender(word):
    assert said(f"> quoted\n\n{word}\n") == [("Nacked-by", BOBS)]


@pytest.mark.parametrize(
    "text",
    [
        f"> Reviewed-by: {BOBS}\n",
        f">> > Reviewed-by: {BOBS}\n",
        f"  > Reviewed-by: {BOBS}\n",
        f"Thanks.\n-- \nReviewed-by: {BOBS}\n",
        "Reviewed-by: nobody in particular\n",
        "> NACK\n",
        "The protocol answers NACK here.\n",
        "NAKED pointers are bad\n",
        f"Signed-off-by: {BOBS}\n",
        f"Reported-by: {BOBS}\n",
        f"You need a Reviewed-by: {BOBS}\n",
        f"Reviewed-by: {BOBS}\n".replace("\n", "") + " in a quote"[:0] + "?\n",
    ][:-1],
)
def test_what_is_no_trailer(text):
    assert said(text) == []


def test_several_trailers_in_order():
    text = f"Reviewed-by: {BOBS}\nTested-by: {BOBS}\n"
    assert [name for name, _ in said(text)] == ["Reviewed-by", "Tested-by"]


def test_the_comment_after_a_trailer_is_kept():
    assert said(f"Tested-by: {BOBS} # on s390x\n") == [("Tested-by", f"{BOBS} # on s390x")]


def test_another_address_than_the_senders_is_a_mismatch():
    reply = mail("Re: x", "r", body="Reviewed-by: Eve <eve@example.net>\n", sender=BOB)
    (trailer,) = find_reply_trailers(reply, "cover")
    assert (trailer.mismatch, trailer.scope, trailer.message_id) == (
        "bob@example.com",
        "cover",
        "r@example.org",
    )
    own = mail("Re: x", "r", body="Reviewed-by: Bob <BOB@example.com> # fs part\n", sender=BOB)
    assert find_reply_trailers(own, "patch")[0].mismatch is None


def test_trailers_of_the_patch_itself():
    message = (
        "Why, see Link: below.\n\n"
        'Fixes: 0123456789ab ("walnut: crack")\n'
        "Link: https://example.org/x\n"
        "Suggested-by: Bob Hazel <bob@example.com>\n"
        "Cc: stable@vger.kernel.org # 5.4\n"
    )
    found = find_patch_trailers(patch("[PATCH] x", "p", message=message))
    assert [(each.name, each.value) for each in found] == [
        ("Fixes", '0123456789ab ("walnut: crack")'),
        ("Link", "https://example.org/x"),
        ("Suggested-by", BOBS),
        ("Cc", "stable@vger.kernel.org # 5.4"),
        ("Signed-off-by", "Ada Walnut <ada@example.org>"),
    ]


def test_trailers_below_the_dashes_are_not_the_patchs():
    text = patch("[PATCH] x", "p").body.replace("---\n", f"---\nAcked-by: {BOBS}\n", 1)
    found = find_patch_trailers(mail("[PATCH] x", "p", body=text))
    assert [each.name for each in found] == ["Signed-off-by"]


def test_own_words():
    assert unquoted("> a\nb\n >c\n-- \nsig\n") == "b\n"
