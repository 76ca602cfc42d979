"""Real series of 2020 on real trees (opt-in): what was merged and never fixed is not failed.

PATCHBOT_TEST_EPOCH names the whole linux-ext4 archive, PATCHBOT_TEST_TREE the trees, with v5.9.1
first (and v5.8.1 after a ":"). What the survey introduces is judged in tests/data/survey_2020.toml.
"""

from __future__ import annotations

from datetime import date

import pytest

from patchbot.model import Status
from tests.support import ROOT
from tests.support.require import archive_epoch, kernel_trees
from tools.survey.archive import Candidate, Window, read_archive
from tools.survey.check import open_named
from tools.survey.render import Result, render_table
from tools.survey.run import FIXED, NEVER_FIXED, Surveyed, read_judged, run_survey

KNOWN = ROOT / "tests" / "data" / "survey_2020.toml"
AUTUMN = Window(date(2020, 8, 1), date(2020, 10, 31))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The survey of all trees; some minutes."""
    epoch, trees = archive_epoch(), [open_named(str(path)) for path in kernel_trees()]
    mails = read_archive(epoch, AUTUMN)
    each = list(run_survey(mails, AUTUMN, trees, tmp_path_factory.mktemp("survey")))
    surveyed = [one for one in each if isinstance(one, Surveyed)]
    return Result(surveyed, [x for x in each if isinstance(x, Candidate)], read_judged(KNOWN))


def test_a_sensible_number_is_looked_at(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{render_table(result)}")
    merged = [each for each in result.surveyed if each.group == NEVER_FIXED]
    assert len(result.surveyed) >= 40
    assert len(merged) >= 30
    assert sum(len(each.candidate.revision.patches) for each in merged) > len(merged)


def test_what_was_merged_and_never_fixed_is_not_failed(result: Result) -> None:
    """Not even with a finding that was judged: nobody has found a fault there since."""
    failed = [each.title for each in result.surveyed if each.group == NEVER_FIXED and each.failed]
    assert failed == []


def test_nothing_fails_but_for_findings_that_were_judged_true(result: Result) -> None:
    introduced = [place for each in result.surveyed for place, _ in each.findings()]
    false = [place for place, judged in result.judged.items() if judged.judgement != "true"]
    assert result.unjudged() == []
    assert set(introduced).isdisjoint(false)


def test_what_was_judged_is_still_found(result: Result) -> None:
    trees = {outcome.tree for each in result.surveyed for outcome in each.outcomes}
    introduced = {place for each in result.surveyed for place, _ in each.findings()}
    assert {place for place in result.judged if place[1] in trees} == introduced


def test_the_series_that_needed_a_fix_is_failed(result: Result) -> None:
    (series,) = [each for each in result.surveyed if each.group == FIXED and each.failed]
    assert "ext4: Fix mmap write protection for data=journal mode" in series.evidence.fixed_by


def test_most_are_understood(result: Result) -> None:
    outcomes = [outcome for each in result.surveyed for outcome in each.outcomes]
    lost = [outcome for outcome in outcomes if outcome.status is Status.INCONCLUSIVE]
    assert len(lost) < len(outcomes) / 50
