import random

from patchbot.mail.thread import Mails
from tests.support.mailmaker import mail, mid


def ids(mails):
    return [each.message_id.partition("@")[0] for each in mails]


def test_parents_come_from_in_reply_to_then_from_references():
    mails = Mails(
        [
            mail("a", "a"),
            mail("b", "b", to="a"),
            mail("c", "c", to="lost", refs=["a", "b"]),
            mail("d", "d", to="lost", refs=["gone"]),
        ]
    )
    assert mails.parents == {mid("b"): mid("a"), mid("c"): mid("b")}
    assert ids(mails.ancestors(mails[mid("c")])) == ["b", "a"]
    assert mails.root(mails[mid("c")]).message_id == mid("a")
    assert mails.root(mails[mid("d")]).message_id == mid("d")
    assert ids(mails.descendants(mid("a"))) == ["b", "c"]


def test_a_cycle_of_replies_is_cut():
    mails = Mails([mail("a", "a", to="c"), mail("b", "b", to="a"), mail("c", "c", to="b")])
    assert len(mails.parents) == 2
    assert len(mails.ancestor_ids(mid("a"))) <= 2
    top = mails.root(mails[mid("a")])
    assert len(mails.descendants(top.message_id)) == 2


def test_a_mail_that_answers_itself_has_no_parent():
    assert Mails([mail("a", "a", to="a")]).parents == {}


def test_one_id_twice_keeps_one_mail_and_counts_the_other():
    one, two = mail("x", "a", body="one\n"), mail("x", "a", body="another\n")
    for order in ([one, two], [two, one], [one, two, one]):
        mails = Mails(order)
        assert len(mails) == 1
        assert mails[mid("a")].body == "one\n"
        assert mails.duplicates == {mid("a"): 1}
    assert Mails([one, one]).duplicates == {}


def test_of_two_copies_the_one_without_a_list_footer_is_kept():
    one = mail("x", "a", body="text\n")
    two = mail("x", "a", body="text\n____\nlist mailing list\n")
    assert Mails([two, one])[mid("a")].body == "text\n"


def test_the_order_of_the_input_changes_nothing():
    given = [mail("x", f"m{n}", day=n % 7, to=f"m{(n * 7) % 40}") for n in range(40)]
    wanted = Mails(given)
    for seed in range(20):
        shuffled = given[:]
        random.Random(seed).shuffle(shuffled)
        got = Mails(shuffled)
        assert (list(got), got.parents, got.children) == (
            list(wanted),
            wanted.parents,
            wanted.children,
        )


def test_a_long_chain_comes_to_an_end(ends):
    given = [mail("x", f"m{n}", day=n / 1440, to=f"m{n - 1}") for n in range(20_000)]
    mails = Mails(given)
    assert len(mails.ancestor_ids(mid("m19999"))) == 19_999
    assert len(mails.descendants(mid("m0"))) == 19_999
