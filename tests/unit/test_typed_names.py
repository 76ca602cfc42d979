"""Names that the system takes for no path, and addresses that are none, are answered in words."""

from __future__ import annotations

import pytest

from patchbot.errors import MailError, UsageError
from patchbot.report.saving import check_report_path
from patchbot.tui.doing import parse_sources

LONG = "x" * 300  # a name has at most 255 bytes on Linux


def test_a_source_that_is_too_long_for_a_name_is_no_file() -> None:
    with pytest.raises(UsageError, match="no such file"):
        parse_sources(f"{LONG}/nuts")
    assert parse_sources(f"{LONG}@example.org") == [f"{LONG}@example.org"]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(MailError, match="Invalid IPv6 URL"):
        parse_sources("http://[lore")


def test_a_report_is_not_written_to_a_name_that_is_too_long() -> None:
    with pytest.raises(UsageError, match="File name too long"):
        check_report_path(LONG)
