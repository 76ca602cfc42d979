"""A review of some revisions or stages, laid over what is kept: worked out by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from patchbot.merging import merge_documents
from patchbot.model import Status
from patchbot.report.document import render_document
from tests.support.fakes import make_review, make_revision, make_series, passed

Words = dict[str, str]


def document(**stages: Words) -> dict[str, Any]:
    """A document with these revisions, each with stages by name and their status."""
    revisions = [make_revision(label) for label in stages]
    results = {
        label: [passed(name, Status(status)) for name, status in words.items()]
        for label, words in stages.items()
    }
    return render_document(make_review(results, series=make_series(*revisions)))


def statuses(merged: dict[str, Any]) -> dict[str, Words]:
    return {
        each["label"]: {name: result["status"] for name, result in each["stages"].items()}
        for each in merged["revisions"]
    }


def test_other_revisions_and_stages_stay() -> None:
    kept = document(v1={"apply": "pass", "static": "fail"}, v2={"apply": "pass"})
    fresh = document(v2={"static": "pass"})
    merged = merge_documents(kept, fresh)
    assert statuses(merged) == {
        "v1": {"apply": "pass", "static": "fail"},
        "v2": {"apply": "pass", "static": "pass"},
    }
    assert merged["revisions"][1]["verdict"] == {
        "status": "accept",
        "reasons": ["apply: pass, apply says pass", "static: pass, static says pass"],
        "scope": ["apply", "static"],
    }


def test_a_stage_that_ran_again_is_the_new_one() -> None:
    kept = document(v1={"apply": "pass", "static": "pass"})
    merged = merge_documents(kept, document(v1={"static": "error"}))
    assert statuses(merged) == {"v1": {"apply": "pass", "static": "error"}}
    assert merged["revisions"][0]["verdict"]["status"] == "cannot tell"


@pytest.mark.parametrize("what", ["base", "patches"])
def test_results_on_something_else_are_dropped(what: str) -> None:
    kept = document(v1={"apply": "pass", "static": "pass"})
    fresh = copy.deepcopy(document(v1={"apply": "pass"}))
    if what == "base":
        fresh["revisions"][0]["base"]["commit"] = "f" * 40
    else:
        fresh["revisions"][0]["patches"][0]["message_id"] = "other@example.org"
    assert statuses(merge_documents(kept, fresh)) == {"v1": {"apply": "pass"}}


def test_revisions_stand_in_order() -> None:
    kept = document(v2={"apply": "pass"}, v10={"apply": "pass"})
    merged = merge_documents(kept, document(v9={"apply": "pass"}, v1={"apply": "pass"}))
    assert [each["label"] for each in merged["revisions"]] == ["v1", "v2", "v9", "v10"]
