"""Take a patch mail's subject apart: prefixes, revision, counter, title."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

_REPLY = re.compile(
    r"^(?:re|aw|sv|vs|antw|fwd?|wg|tr|\u56de\u590d|\u7b54\u590d|\u8f6c\u53d1)"
    r"(?:\[\d+\]|\^\d+)?\s*[:\uff1a]\s*",
    re.IGNORECASE,
)
_GROUP = re.compile(r"\[([^\[\]]*)\]\s*:?\s*")
_COUNTER = re.compile(r"^(\d{1,5})/(\d{1,5})$")
_INSERTED = re.compile(r"^\d{1,5}(?:\.\d{1,3}|[a-z])/\d{1,5}$", re.IGNORECASE)
_VERSION = re.compile(r"^-?(?:PATCH-?|RFC-?)?v(\d{1,4})(?:\.(\d{1,3}))?(?:/(.*))?$", re.IGNORECASE)
_BARE_VERSION = re.compile(r"^(?:ver(?:sion)?)(\d{1,4})()()$", re.IGNORECASE)
_TITLE_VERSION = re.compile(
    r"[\s,;:(\[-]*\b(?:v|ver|version|take|try)\s?#?(\d{1,3})[)\]]*\s*$", re.IGNORECASE
)
_WORDS = {"RFC": "rfc", "RESEND": "resend", "REPOST": "resend", "RESENT": "resend"}
_TREE_WORDS = frozenset(
    {"stable", "autosel", "lts", "longterm", "backport", "for", "on", "to", "onto", "based"}
)
MAX_SUBJECT_CHARS = 2000
_TAIL_CHARS = 40


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject line's parts.

    `version` and `counter`/`total` are None where the author wrote none. `tags` are the words in
    brackets that mean nothing here ("5.10", "-next"), lower case; "v6.4" is one of them beside a
    whole revision or a word such as "stable", else it is revision 6, `minor` 4. `inserted` says
    that the number is one between two numbers ("2.1/12"). `title` is what is left.
    """

    title: str
    reply: bool = False
    patch: bool = False
    pull: bool = False
    rfc: bool = False
    resend: bool = False
    version: int | None = None
    minor: int | None = None
    counter: int | None = None
    total: int | None = None
    inserted: bool = False
    tags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The title, as compared between revisions: lower case, letters and digits only."""
        return normalise_title(self.title)


def normalise_title(title: str) -> str:
    """Return a title as compared between revisions: no version, case or punctuation."""
    found = _title_version(title)
    stripped = title[:-_TAIL_CHARS] + title[-_TAIL_CHARS:][: found.start()] if found else title
    return re.sub(r"[\W_]+", " ", (stripped.strip() or title).casefold()).strip()


def _title_version(title: str) -> re.Match[str] | None:
    """Find a version at a title's end, within its last few characters."""
    return _TITLE_VERSION.search(title[-_TAIL_CHARS:])


@dataclass(slots=True)
class _Facts:
    """What the words in brackets said so far."""

    flags: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    versions: list[tuple[str, int, int | None]] = field(default_factory=list)
    counter: int | None = None
    total: int | None = None


def parse_subject(text: str) -> Subject:
    """Parse a decoded, unfolded subject line; anything is accepted, the excess is cut."""
    return _parse(text[:MAX_SUBJECT_CHARS])


@functools.lru_cache(maxsize=1 << 15)
def _parse(text: str) -> Subject:
    reply, words, title = _split(text)
    facts = _Facts()
    for word in words:
        _read_word(word, facts)
    version, minor = _pick_version(facts)
    in_title = _title_version(title)
    if version is None and in_title and "patch" in facts.flags:
        version = int(in_title.group(1))
    return Subject(
        title=title,
        reply=reply,
        patch="patch" in facts.flags,
        pull="pull" in facts.flags,
        rfc="rfc" in facts.flags,
        resend="resend" in facts.flags,
        version=version,
        minor=minor,
        counter=facts.counter,
        total=facts.total,
        inserted="inserted" in facts.flags,
        tags=tuple(facts.tags),
    )


def _pick_version(facts: _Facts) -> tuple[int | None, int | None]:
    """Choose the revision: the last whole one, else a decimal one that can't name a tree."""
    whole = [version for _, version, minor in facts.versions if minor is None]
    decimal = [each for each in facts.versions if each[2] is not None]
    if len(decimal) == 1 and not whole and not _TREE_WORDS.intersection(facts.tags):
        _, version, minor = decimal[0]
        return version, minor
    facts.tags.extend(word for word, _, _ in decimal)
    return (whole[-1] if whole else None), None


def _split(text: str) -> tuple[bool, list[str], str]:
    """Return whether it is a reply, the words of all leading brackets, and the title."""
    reply = False
    words: list[str] = []
    rest = text.strip()
    while rest:
        marker = _REPLY.match(rest)
        group = _GROUP.match(rest)
        if marker:
            reply = True
            rest = rest[marker.end() :]
        elif group:
            words += re.split(r"[\s,;]+", group.group(1).strip())
            rest = rest[group.end() :]
        else:
            break
    return reply, [word for word in words if word], rest.strip()


def _read_word(word: str, facts: _Facts) -> None:
    counter = _COUNTER.match(word)
    version = _VERSION.match(word) or _BARE_VERSION.match(word)
    upper = word.upper().strip("()-")
    first, _, second = upper.partition("/")
    if counter:
        facts.counter, facts.total = int(counter.group(1)), int(counter.group(2))
    elif _INSERTED.match(word):
        facts.flags |= {"inserted", "patch"}
    elif version:
        minor = int(version.group(2)) if version.group(2) else None
        facts.versions.append((word.casefold(), int(version.group(1)), minor))
        if upper.startswith("PATCH"):
            facts.flags.add("patch")
        if version.group(3):
            facts.tags.append(version.group(3).casefold())
    elif first in _WORDS:
        facts.flags.add(_WORDS[first])
        if second.startswith("PATCH"):
            facts.flags.add("patch")
    elif upper in ("PULL", "GIT"):
        facts.flags.add("pull")
    elif upper.startswith("PATCH"):
        _read_patch_word(second, facts)
    else:
        facts.tags.append(word.casefold())


def _read_patch_word(after: str, facts: _Facts) -> None:
    """Read "PATCH", "PATCHES" or "PATCH/what": `after` is what follows the slash."""
    facts.flags.add("patch")
    if after in _WORDS:
        facts.flags.add(_WORDS[after])
    elif after:
        facts.tags.append(after.casefold())
