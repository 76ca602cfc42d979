"""What a `patchbot.review/1` document may look like: every key and type, and nothing else."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], list[str]]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_MESSAGE_ID = re.compile(r"[^\s<>]+@[^\s<>]+")
_LABEL = re.compile(r"v\d[\w.-]*")


def check_review(document: Any) -> list[str]:
    """Return what is wrong with a review document, one line a fault; nothing where it is right."""
    return _REVIEW(document, "document") or _contradictions(document)


def is_a(*types: type) -> Check:
    """A value of one of these types; a bool is no int."""

    def check(value: Any, where: str) -> list[str]:
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return []
        return [f"{where}: {value!r} is no {' or '.join(each.__name__ for each in types)}"]

    return check


def one_of(*values: object) -> Check:
    """One of these values."""
    return lambda value, where: [] if value in values else [f"{where}: {value!r} not in {values}"]


def like(pattern: re.Pattern[str]) -> Check:
    """A text that matches as a whole."""

    def check(value: Any, where: str) -> list[str]:
        fits = isinstance(value, str) and pattern.fullmatch(value)
        return [] if fits else [f"{where}: {value!r} does not match {pattern.pattern}"]

    return check


def maybe(inner: Check) -> Check:
    """Null, or what the inner check asks for."""
    return lambda value, where: [] if value is None else inner(value, where)


def each(inner: Check, at_least: int = 0) -> Check:
    """A list of such values."""

    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, list) or len(value) < at_least:
            return [f"{where}: {value!r} is no list of at least {at_least}"]
        return [e for i, item in enumerate(value) for e in inner(item, f"{where}[{i}]")]

    return check


def by_name(inner: Check) -> Check:
    """An object with any names, whose values are such."""

    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no object"]
        return [e for name, item in value.items() for e in inner(item, f"{where}.{name}")]

    return check


def exactly(fields: Mapping[str, Check]) -> Check:
    """An object with these keys, all of them and no other."""

    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no object"]
        wrong = [f"{where}: lacks {name}" for name in fields if name not in value]
        wrong += [f"{where}: has {name}, which is unknown" for name in value if name not in fields]
        known = (name for name in fields if name in value)
        return wrong + [e for name in known for e in fields[name](value[name], f"{where}.{name}")]

    return check


_ANYTHING: Check = lambda value, where: []  # noqa: E731
_TEXT = is_a(str)
_TEXTS = each(_TEXT)
_ID = like(_MESSAGE_ID)
_PERSON = exactly({"name": _TEXT, "email": _TEXT})
_STATUS = one_of("pass", "warn", "fail", "error", "inconclusive", "skipped")
_TRAILER = {
    "name": _TEXT,
    "value": _TEXT,
    "message_id": _ID,
    "mismatch": maybe(_TEXT),
    "carried_from": maybe(like(_LABEL)),
}
_PATCH = exactly(
    {
        "number": is_a(int),
        "message_id": _ID,
        "title": _TEXT,
        "author": _PERSON,
        "date": maybe(like(_DATE)),
        "files": _TEXTS,
        "reroll_of": maybe(like(_LABEL)),
        "trailers": each(exactly(_TRAILER)),
        "attestation": exactly(
            {
                "status": one_of("signed", "badsig", "nokey", "none", "not checked"),
                "identity": _TEXT,
                "reason": _TEXT,
            }
        ),
    }
)
_FINDING = exactly(
    {
        "rule": _TEXT,
        "severity": one_of("error", "warning", "note"),
        "message": _TEXT,
        "file": maybe(_TEXT),
        "line": maybe(is_a(int)),
        "patch": maybe(is_a(int)),
        "patch_line": maybe(is_a(int)),
        "evidence": _TEXT,
        "change": one_of(None, "introduced", "fixed", "unchanged"),
    }
)
_STAGE = exactly(
    {
        "stage": _TEXT,
        "status": _STATUS,
        "reason": _TEXT,
        "findings": each(_FINDING),
        "seconds": is_a(float, int),
        "tools": by_name(_TEXT),
        "repeat": _TEXT,
        "data": by_name(_ANYTHING),
    }
)
_REVISION = exactly(
    {
        "revision": is_a(int),
        "label": like(_LABEL),
        "message_id": _ID,
        "title": _TEXT,
        "author": _PERSON,
        "date": maybe(like(_DATE)),
        "rfc": is_a(bool),
        "partial": is_a(bool),
        "total": is_a(int),
        "missing": each(is_a(int)),
        "resends": each(_ID),
        "cover": maybe(_ID),
        "patches": each(_PATCH),
        "trailers": each(exactly({**_TRAILER, "patch": maybe(is_a(int))})),
        "prerequisites": _TEXTS,
        "extras": each(exactly({"message_id": _ID, "subject": _TEXT, "reason": _TEXT})),
        "notes": _TEXTS,
        "base": maybe(
            exactly({"commit": like(_COMMIT), "how": _TEXT, "guess": is_a(bool)}),
        ),
        "stages": by_name(_STAGE),
        "verdict": exactly(
            {
                "status": one_of("accept", "needs work", "reject", "cannot tell"),
                "reasons": each(_TEXT, at_least=1),
                "scope": _TEXTS,
            }
        ),
    }
)
_REVIEW = exactly(
    {
        "schema": one_of("patchbot.review/1"),
        "tool": exactly({"name": one_of("patchbot"), "version": _TEXT}),
        "series": exactly(
            {
                "slug": like(re.compile(r"[\w.-]+")),
                "title": _TEXT,
                "author": _PERSON,
                "change_id": maybe(_TEXT),
                "message_ids": each(_ID, at_least=1),
                "absent": each(_ID),
                "notes": _TEXTS,
            }
        ),
        "tree": maybe(_TEXT),
        "asked": exactly({"base": maybe(_TEXT), "on": maybe(_TEXT), "lore": maybe(_TEXT)}),
        "revisions": each(_REVISION, at_least=1),
        "notes": _TEXTS,
    }
)


def _contradictions(document: Any) -> list[str]:
    """What types can't say: names that must agree, statuses that must have a reason."""
    wrong: list[str] = []
    known = set(document["series"]["message_ids"])
    labels = [revision["label"] for revision in document["revisions"]]
    if len(set(labels)) != len(labels):
        wrong.append(f"labels repeat: {labels}")
    for revision in document["revisions"]:
        where = revision["label"]
        ids = {revision["message_id"], *(patch["message_id"] for patch in revision["patches"])}
        wrong += [f"{where}: {each} is not among the series' ids" for each in sorted(ids - known)]
        numbers = [patch["number"] for patch in revision["patches"]]
        if numbers != sorted(set(numbers)):
            wrong.append(f"{where}: patches out of order: {numbers}")
        for name, stage in revision["stages"].items():
            if stage["stage"] != name:
                wrong.append(f"{where}: {name} calls itself {stage['stage']}")
            if stage["status"] != "pass" and not stage["reason"]:
                wrong.append(f"{where}: {name} is {stage['status']} without a reason")
        if not set(revision["verdict"]["scope"]) <= set(revision["stages"]):
            wrong.append(f"{where}: the verdict rests on stages that did not run")
    return wrong
