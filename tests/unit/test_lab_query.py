"""Queries as b4 and patchbot write them, asked of mails."""

from __future__ import annotations

import pytest

from patchbot.lab.query import parse_query
from patchbot.mail.message import parse_mail

MAIL = parse_mail(
    b"From: Ines Brandt <ines@example.org>\nSubject: [PATCH v2 0/2] ext4: less work\n"
    b"Date: Mon, 09 Mar 2026 10:30:00 +0000\nMessage-ID: <2.a@example.org>\n\n"
    b"> quoted words\nSome own words, Link: https://lists.example.org/1.a@example.org\n"
    b"-- \nsignature\n"
)

FOUND = [
    's:"ext4: less work"', 's:less', "less AND work", "less own", '"own words"', "own-words",
    '(s:"nothing" OR s:"less work") AND f:"ines@example.org"', 'nq:"1.a@example.org"',
    "b:quoted", "m:2.a@example.org", "NOT s:more", "d:20260309..", "d:..20260309", "d:20260309",
    "dt:20260309102959..20260309103001", "rt:1773052200..", '(s:"less work") AND s:"PATCH"',
    '((s:"less")) (f:"brandt")', "SOME s:LESS",
]  # fmt: skip
NOT_FOUND = [
    "", "()", "(", ")", "AND", "OR", "NOT", 's:""', 's:"work less"', "s:wor", 'nq:"quoted"',
    "nq:signature", "patchid:123", "d:20260310..", "d:..20260308", "rt:1773052201..",
    '(s:"less work") AND f:"ruth"', "less more", "NOT s:less", 'f:"less"', "'",
]  # fmt: skip


@pytest.mark.parametrize("query", FOUND)
def test_found(query: str) -> None:
    assert parse_query(query)(MAIL)


@pytest.mark.parametrize("query", NOT_FOUND)
def test_not_found(query: str) -> None:
    assert not parse_query(query)(MAIL)


def test_a_long_and_deep_query_ends() -> None:
    assert not parse_query("(" * 7000 + "x")(MAIL)
    assert not parse_query("NOT " * 5000)(MAIL)
    assert parse_query("less OR " * 5000)(MAIL)


def test_a_mail_without_a_date_is_in_no_span() -> None:
    mail = parse_mail(b"From: a@example.org\nSubject: x\n\ny\n")
    assert not parse_query("d:2020..")(mail)
