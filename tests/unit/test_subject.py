import pytest

from patchbot.mail.subject import Subject, normalise_title, parse_subject


def parts(text):
    found = parse_subject(text)
    return found.version, found.counter, found.total, found.title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[PATCH] walnut: crack", (None, None, None, "walnut: crack")),
        ("[PATCH v3] walnut: crack", (3, None, None, "walnut: crack")),
        ("[PATCH V3 02/10] walnut: crack", (3, 2, 10, "walnut: crack")),
        ("[PATCHv2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH-v2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH -v2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH,v2,1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[RFC PATCH v2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH RFC v2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[RFCv2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH version2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH] [v2] walnut: crack", (2, None, None, "walnut: crack")),
        ("[PATCH v2][RESEND] walnut: crack", (2, None, None, "walnut: crack")),
        ("[PATCH v2 0/0] walnut: crack", (2, 0, 0, "walnut: crack")),
        ("[PATCH 5/4] walnut: crack", (None, 5, 4, "walnut: crack")),
        ("[PATCH] walnut: crack, v2", (2, None, None, "walnut: crack, v2")),
        ("[PATCH] walnut: crack (take 3)", (3, None, None, "walnut: crack (take 3)")),
        ("walnut: crack v2", (None, None, None, "walnut: crack v2")),
        ("[PATCH v2]", (2, None, None, "")),
        ("[list-name] [PATCH v2 1/2] walnut: crack", (2, 1, 2, "walnut: crack")),
        ("[PATCH v2 1/2] [walnut] crack", (2, 1, 2, "crack")),
    ],
)
def test_version_counter_and_title(text, expected):
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "version", "tag"),
    [
        ("[PATCH 6.1 08/11] walnut: crack", None, "6.1"),
        ("[PATCH AUTOSEL 5.14 09/25] walnut: crack", None, "5.14"),
        ("[PATCH 4.19-stable v2] walnut: crack", 2, "4.19-stable"),
        ("[PATCH v6.1.y 1/2] walnut: crack", None, "v6.1.y"),
        ("[PATCH 5.10.y] walnut: crack", None, "5.10.y"),
        ("[PATCH v10 rebased on v6.4 00/25] walnut: crack", 10, "v6.4"),
        ("[PATCH rebased on v6.4 v10 00/25] walnut: crack", 10, "v6.4"),
        ("[PATCH stable v5.10 1/2] walnut: crack", None, "v5.10"),
        ("[PATCH v5.15 AUTOSEL 1/2] walnut: crack", None, "v5.15"),
        ("[PATCH v2 for v5.10 1/2] walnut: crack", 2, "v5.10"),
        ("[PATCH v5.10 v2] walnut: crack", 2, "v5.10"),
        ("[PATCH net-next v2] walnut: crack", 2, "net-next"),
    ],
)
def test_names_of_trees_are_tags_and_no_revisions(text, version, tag):
    found = parse_subject(text)
    assert found.version == version
    assert found.minor is None
    assert tag in found.tags


def test_a_lone_decimal_revision_is_kept_for_the_thread_to_judge():
    found = parse_subject("[PATCH v6.1 3/9] walnut: crack")
    assert (found.version, found.minor, found.counter) == (6, 1, 3)


@pytest.mark.parametrize("text", ["[PATCH 02.1/12] x", "[PATCH v2 2a/12] x", "[PATCH 1.5/3] x"])
def test_a_number_between_numbers_is_told_apart(text):
    found = parse_subject(text)
    assert found.inserted
    assert found.patch


@pytest.mark.parametrize(
    "text",
    ["Re: [PATCH] x", "RE: Re: [PATCH] x", "AW: [PATCH] x", "Re[2]: [PATCH] x", "回复： [PATCH] x"],
)
def test_replies(text):
    assert parse_subject(text) == Subject("x", reply=True, patch=True)


def test_a_reply_marker_behind_a_list_tag():
    found = parse_subject("[list] Re: [PATCH 1/2] x")
    assert found.reply
    assert found.counter == 1


@pytest.mark.parametrize(
    ("text", "rfc", "resend"),
    [
        ("[RFC] x", True, False),
        ("[PATCH RESEND v2 1/2] x", False, True),
        ("[RESEND PATCH] x", False, True),
        ("[REPOST PATCH] x", False, True),
        ("[RFC/PATCH] x", True, False),
        ("[PATCH/RFC] x", True, False),
        ("[PATCH -RFC] x", True, False),
        ("[PATCH RFC RESEND] x", True, True),
    ],
)
def test_rfc_and_resend(text, rfc, resend):
    found = parse_subject(text)
    assert (found.rfc, found.resend) == (rfc, resend)


def test_pull_requests_and_ordinary_subjects_are_no_patches():
    assert parse_subject("[GIT PULL] walnut fixes").pull
    plain = parse_subject("[Bug 12345] New: walnut hangs")
    assert not plain.patch
    assert parts("walnut hangs 3/4 of the time")[1] is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("walnut: Crack it", "walnut: crack  it."),
        ("walnut: crack it", "walnut: crack it v2"),
        ("walnut: crack it", "walnut: crack it (take 2)"),
        ("walnut/core: crack it", "walnut: core: crack it"),
    ],
)
def test_titles_compare_without_version_case_and_punctuation(one, two):
    assert normalise_title(one) == normalise_title(two)


def test_a_title_that_is_only_a_version_is_kept():
    assert normalise_title("v2") == "v2"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[]" * 500_000,
        "[a" * 500_000,
        "Re: " * 250_000,
        "[PATCH " + "v2 " * 300_000 + "] x",
        "[PATCH] x" + " (v" * 300_000,
        "[PATCH] x" + "-" * 1_000_000,
        "[PATCH] x" + " v1" * 300_000 + "!",
        "[PATCH] " + " " * 1_000_000 + "x",
        "9" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]}...",
)
def test_hostile_subjects_come_to_an_end(text, ends):
    assert len(normalise_title(parse_subject(text).title)) <= 2000
