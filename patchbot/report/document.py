"""Render a review as the document `patchbot.review/1`; everything shown elsewhere comes from it."""

from __future__ import annotations

from typing import Any

from patchbot import __version__
from patchbot.model import Patch, Review, Revision, RevisionReview, Trailer
from patchbot.store.database import render_result

SCHEMA = "patchbot.review/1"


def render_document(review: Review) -> dict[str, Any]:
    """Return a review as JSON values; the guide describes each field."""
    series = review.series
    return {
        "schema": SCHEMA,
        "tool": {"name": "patchbot", "version": __version__},
        "series": {
            "slug": series.slug,
            "title": series.title,
            "author": {"name": series.author_name, "email": series.author_email},
            "change_id": series.change_id,
            "message_ids": _message_ids(review),
            "absent": list(series.absent),
            "notes": list(series.notes),
        },
        "tree": review.tree,
        "asked": {name: review.asked.get(name) for name in ("base", "on", "lore")},
        "revisions": [_render_revision(each) for each in review.revisions],
        "notes": list(review.notes),
    }


def _message_ids(review: Review) -> list[str]:
    found: dict[str, None] = {}
    for revision in review.series.revisions:
        found.update(dict.fromkeys((*revision.message_ids, *revision.resends)))
    return list(found)


def _render_revision(reviewed: RevisionReview) -> dict[str, Any]:
    revision, base = reviewed.revision, reviewed.base
    return {
        "revision": revision.number,
        "label": revision.label,
        "message_id": revision.message_id,
        "title": revision.title,
        "author": {"name": revision.author_name, "email": revision.author_email},
        "date": revision.date.isoformat() if revision.date else None,
        "rfc": revision.rfc,
        "partial": revision.partial,
        "total": revision.total,
        "missing": list(revision.missing),
        "resends": list(revision.resends),
        "cover": revision.cover.message_id if revision.cover else None,
        "patches": [_render_patch(patch) for patch in revision.patches],
        "trailers": _render_trailers(revision),
        "prerequisites": list(revision.prerequisites),
        "extras": [
            {"message_id": e.message_id, "subject": e.subject, "reason": e.reason}
            for e in revision.extras
        ],
        "notes": list(revision.notes),
        "base": {"commit": base.commit, "how": base.how, "guess": base.guess} if base else None,
        "stages": {result.stage: render_result(result) for result in reviewed.stages},
        "verdict": {
            "status": reviewed.verdict.status.value,
            "reasons": list(reviewed.verdict.reasons),
            "scope": list(reviewed.verdict.scope),
        },
    }


def _render_patch(patch: Patch) -> dict[str, Any]:
    attestation = patch.attestation
    return {
        "number": patch.number,
        "message_id": patch.message_id,
        "title": patch.title,
        "author": {"name": patch.author_name, "email": patch.author_email},
        "date": patch.date.isoformat() if patch.date else None,
        "files": list(patch.paths),
        "reroll_of": patch.reroll_of,
        "trailers": [
            _render_trailer(t) for t in patch.trailers if t.message_id == patch.message_id
        ],
        "attestation": {
            "status": attestation.status,
            "identity": attestation.identity,
            "reason": attestation.reason,
        },
    }


def _render_trailers(revision: Revision) -> list[dict[str, Any]]:
    """Return what replies gave: to the cover (patch is null) and to each patch."""
    found = [{**_render_trailer(trailer), "patch": None} for trailer in revision.trailers]
    for patch in revision.patches:
        for trailer in patch.trailers:
            if trailer.message_id != patch.message_id:
                found.append({**_render_trailer(trailer), "patch": patch.number})
    return found


def _render_trailer(trailer: Trailer) -> dict[str, Any]:
    return {
        "name": trailer.name,
        "value": trailer.value,
        "message_id": trailer.message_id,
        "mismatch": trailer.mismatch,
        "carried_from": trailer.carried_from,
    }
