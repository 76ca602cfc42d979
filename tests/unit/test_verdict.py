"""The verdict: the table, who wins, and what is never an accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbot.model import Change, Finding, Severity, StageResult, Status, VerdictStatus
from patchbot.verdict import REJECTING_RULES, Policy, decide_verdict
from tests.support.fakes import make_finding, passed

ACCEPT, NEEDS_WORK = VerdictStatus.ACCEPT, VerdictStatus.NEEDS_WORK
REJECT, CANNOT_TELL = VerdictStatus.REJECT, VerdictStatus.CANNOT_TELL
STAGES = ("apply", "static", "build")
ASKED = Policy(required=("apply",), asked=True)


@pytest.mark.parametrize("policy", [Policy(), Policy(required=("apply", "static")), ASKED])
@pytest.mark.parametrize("stage", ["apply", "static"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.PASS, ACCEPT),
        (Status.WARN, ACCEPT),
        (Status.FAIL, NEEDS_WORK),
        (Status.ERROR, CANNOT_TELL),
        (Status.INCONCLUSIVE, CANNOT_TELL),
        (Status.SKIPPED, CANNOT_TELL),
    ],
)
def test_each_status_of_a_stage_beside_one_that_passed(
    status: Status, expected: VerdictStatus, stage: str, policy: Policy
) -> None:
    """`static` is required by one of the policies and not by the others; the table is the same."""
    other = {"apply": "static", "static": "apply"}[stage]
    verdict = decide_verdict([passed(stage, status), passed(other)], policy)
    assert verdict.status is expected


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("change", [None, *Change])
def test_every_status_has_a_row_whatever_the_findings(status: Status, change: Change) -> None:
    finding = make_finding(change=change)
    verdict = decide_verdict([passed("apply", status, findings=(finding,))], ASKED)
    assert verdict.status in VerdictStatus
    assert verdict.reasons


@pytest.mark.parametrize(
    ("worst", "better", "expected"),
    [
        (Status.FAIL, Status.ERROR, NEEDS_WORK),
        (Status.FAIL, Status.SKIPPED, NEEDS_WORK),
        (Status.FAIL, Status.PASS, NEEDS_WORK),
        (Status.ERROR, Status.PASS, CANNOT_TELL),
        (Status.SKIPPED, Status.PASS, CANNOT_TELL),
        (Status.INCONCLUSIVE, Status.WARN, CANNOT_TELL),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_worst_wins_in_either_order(
    worst: Status, better: Status, expected: VerdictStatus, turned: bool
) -> None:
    results = [passed("apply", worst), passed("static", better)]
    verdict = decide_verdict(results[::-1] if turned else results, Policy())
    assert verdict.status is expected
    assert any(reason.startswith("apply:") for reason in verdict.reasons)


def test_all_reasons_of_the_worst_are_listed_and_no_other() -> None:
    results = [
        passed("apply"),
        passed("static", Status.FAIL),
        passed("build", Status.FAIL),
        passed("smoke", Status.SKIPPED),
    ]
    verdict = decide_verdict(results, Policy())
    assert verdict.status is NEEDS_WORK
    assert verdict.reasons == (
        "static: fail, static says fail",
        "build: fail, build says fail",
    )


def test_an_accept_lists_what_every_stage_said() -> None:
    verdict = decide_verdict([passed("apply"), passed("static", Status.WARN)], Policy())
    assert verdict.reasons == ("apply: pass, apply says pass", "static: warn, static says warn")


def test_nothing_ran() -> None:
    verdict = decide_verdict([], Policy())
    assert verdict.status is CANNOT_TELL
    assert "no stage ran" in verdict.reasons
    assert "apply: did not run" in verdict.reasons
    assert verdict.scope == ()


def test_nothing_ran_and_nothing_was_required() -> None:
    verdict = decide_verdict([], Policy(required=(), asked=True))
    assert (verdict.status, verdict.reasons) == (CANNOT_TELL, ("no stage ran",))


def test_a_required_stage_is_absent() -> None:
    policy = Policy(required=("apply", "static"), asked=True)
    verdict = decide_verdict([passed("apply")], policy)
    assert (verdict.status, verdict.reasons) == (CANNOT_TELL, ("static: did not run",))


@pytest.mark.parametrize("policy", [Policy(), ASKED, Policy(required=STAGES, asked=True)])
def test_all_skipped(policy: Policy) -> None:
    verdict = decide_verdict([passed(name, Status.SKIPPED) for name in STAGES], policy)
    assert verdict.status is CANNOT_TELL
    assert verdict.scope == ()
    assert {f"{name}: skipped, {name} says skipped" for name in STAGES} <= set(verdict.reasons)


def test_that_it_applies_is_no_reason_to_merge_it() -> None:
    verdict = decide_verdict([passed("apply")], Policy())
    assert verdict.status is CANNOT_TELL
    assert verdict.reasons == ("no stage that examines what the change does has passed",)


def test_that_it_applies_is_enough_for_who_asked_just_that() -> None:
    assert decide_verdict([passed("apply")], ASKED).status is ACCEPT


def test_a_crashed_stage_is_no_pass() -> None:
    """A result that nobody filled in says so."""
    verdict = decide_verdict([passed("apply"), StageResult("static")], Policy())
    assert verdict.status is CANNOT_TELL
    assert "static: error, crashed: the stage ended without a result" in verdict.reasons


@pytest.mark.parametrize("rule", sorted(REJECTING_RULES))
def test_a_refused_patch_is_rejected(rule: str) -> None:
    refused = passed("apply", Status.FAIL, findings=(make_finding(rule),))
    verdict = decide_verdict([refused, passed("static", Status.FAIL)], Policy())
    assert verdict.status is REJECT
    assert verdict.reasons == ("apply: fail, apply says fail",)


def test_the_rules_that_reject_are_those_that_apply_refuses_with() -> None:
    """A rule that is renamed in one place only would turn a reject into a needs work."""
    from tests.support import ROOT

    source = "".join((ROOT / "patchbot" / n).read_text() for n in ("apply.py", "conflict.py"))
    assert {rule for rule in REJECTING_RULES if f'"{rule}"' in source} == REJECTING_RULES


def test_a_rejecting_rule_that_is_no_error_does_not_reject() -> None:
    note = make_finding("unsafe-path", severity=Severity.NOTE)
    result = passed("apply", Status.FAIL, findings=(note,))
    assert decide_verdict([result], ASKED).status is NEEDS_WORK


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([Change.UNCHANGED], CANNOT_TELL),
        ([Change.UNCHANGED, Change.UNCHANGED], CANNOT_TELL),
        ([Change.UNCHANGED, Change.INTRODUCED], NEEDS_WORK),
        ([Change.UNCHANGED, None], NEEDS_WORK),
        ([None], NEEDS_WORK),
        ([], NEEDS_WORK),
    ],
)
def test_a_failure_that_the_base_has_as_well_is_not_the_patch_s(
    changes: list[Change | None], expected: VerdictStatus
) -> None:
    findings = tuple(make_finding(change=change) for change in changes)
    results = [passed("apply"), passed("static", Status.FAIL, findings=findings)]
    assert decide_verdict(results, Policy()).status is expected


def test_a_warning_does_not_hide_an_old_error() -> None:
    findings = (
        make_finding(change=Change.UNCHANGED),
        make_finding(change=Change.INTRODUCED, severity=Severity.WARNING),
    )
    results = [passed("apply"), passed("static", Status.FAIL, findings=findings)]
    assert decide_verdict(results, Policy()).status is CANNOT_TELL


def test_the_scope_names_the_stages_that_answered() -> None:
    results = [
        passed("apply"),
        passed("static", Status.FAIL),
        passed("build", Status.WARN),
        passed("simulate", Status.INCONCLUSIVE),
        passed("smoke", Status.SKIPPED),
    ]
    assert decide_verdict(results, Policy()).scope == ("apply", "static", "build")


FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(["walnut-leak", *sorted(REJECTING_RULES)]),
    severity=st.sampled_from(Severity),
    message=st.just("it leaks"),
    change=st.sampled_from([None, *Change]),
)
RESULTS = st.lists(
    st.builds(
        StageResult,
        stage=st.sampled_from(["apply", "static", "tools", "build", "simulate", "smoke"]),
        status=st.sampled_from(Status),
        reason=st.sampled_from(["", "a reason"]),
        findings=st.lists(FINDINGS, max_size=3).map(tuple),
    ),
    max_size=6,
    unique_by=lambda result: result.stage,
)
POLICIES = st.builds(
    Policy,
    required=st.lists(st.sampled_from(["apply", "static", "build"]), unique=True).map(tuple),
    asked=st.booleans(),
)


@given(results=RESULTS, policy=POLICIES)
def test_what_an_accept_implies(results: list[StageResult], policy: Policy) -> None:
    verdict = decide_verdict(results, policy)
    good = {r.stage for r in results if r.status in (Status.PASS, Status.WARN)}
    assert verdict.reasons
    assert verdict == decide_verdict(results, policy)
    if verdict.status is ACCEPT:
        assert results
        assert set(policy.required) <= good
        left_out = {r.stage for r in results if r.status is Status.SKIPPED}
        assert left_out <= (set() if policy.asked else set(policy.optional))
        assert good | left_out == {r.stage for r in results}
        assert policy.asked or good & set(policy.examining)


@given(results=RESULTS, policy=POLICIES, turn=st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(results, policy, turn) -> None:  # type: ignore[no-untyped-def]
    other = list(results)
    turn.shuffle(other)
    one, two = decide_verdict(results, policy), decide_verdict(other, policy)
    assert one.status is two.status
    assert sorted(one.reasons) == sorted(two.reasons)


@given(results=RESULTS, policy=POLICIES)
def test_one_more_failure_never_makes_it_better(results, policy) -> None:  # type: ignore[no-untyped-def]
    before = decide_verdict(results, policy).status
    after = decide_verdict([*results, passed("another", Status.FAIL)], policy).status
    order = [ACCEPT, CANNOT_TELL, NEEDS_WORK, REJECT]
    assert order.index(after) >= max(order.index(before), order.index(NEEDS_WORK))


@pytest.mark.parametrize(
    ("results", "policy", "expected"),
    [
        ([passed("static"), passed("tools", Status.SKIPPED)], Policy(), ACCEPT),
        ([passed("static"), passed("tools", Status.SKIPPED)], ASKED, CANNOT_TELL),
        ([passed("static"), passed("tools", Status.INCONCLUSIVE)], Policy(), CANNOT_TELL),
        ([passed("tools", Status.SKIPPED)], Policy(), CANNOT_TELL),
        ([passed("static", Status.FAIL), passed("tools", Status.SKIPPED)], Policy(), NEEDS_WORK),
    ],
)
def test_tools_that_nobody_has_to_have(
    results: list[StageResult], policy: Policy, expected: VerdictStatus
) -> None:
    verdict = decide_verdict([passed("apply"), *results], policy)
    assert verdict.status is expected
    if expected is ACCEPT:
        assert "tools: skipped, tools says skipped" in verdict.reasons
        assert "tools" not in verdict.scope
