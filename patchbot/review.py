"""Put a review together: mails, tree, bases, stages, verdicts."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.catalogue import Catalogue, find_series_folder, read_catalogue
from patchbot.diagnostics import Narrator
from patchbot.errors import FetchError, MailError, TreeError, UsageError
from patchbot.git import Repository
from patchbot.mail.discover import phrase
from patchbot.mail.links import find_fixed, find_needed
from patchbot.mail.mbox import read_mails
from patchbot.mail.postings import find_postings
from patchbot.mail.series import build_series, find_revision, select_series, series_message_ids
from patchbot.mail.thread import Mails
from patchbot.model import (
    Attestation,
    Base,
    Mail,
    Review,
    Revision,
    RevisionReview,
    Series,
    Status,
)
from patchbot.pipeline import run_stages, stage_folder
from patchbot.proc import render_command
from patchbot.settings import Settings
from patchbot.sources import (
    Collected,
    KeptArchive,
    Target,
    collect_mails,
    load_kept,
    parse_targets,
)
from patchbot.stages.base import Stage, StageRequest
from patchbot.stages.registry import STAGES
from patchbot.store import Store
from patchbot.tree import find_base, find_tree
from patchbot.verdict import Policy, decide_verdict
from patchbot.workspace import make_lock

_MAX_FIXED = 5
NO_TREE = "no tree: name one with --tree, stand in one, or set `tree` in the configuration"


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asked for; see `patchbot review --help`.

    `stages` is None for all. `stored` takes the mails that an earlier review kept.
    """

    targets: tuple[str, ...]
    tree: Path | None = None
    base: str | None = None
    lore: str | None = None
    on: str | None = None
    revision: str = "all"
    stages: tuple[str, ...] | None = None
    no_cache: bool = False
    jobs: int = 0
    stored: bool = False


@dataclass(slots=True)
class _Context:
    options: Options
    settings: Settings
    store: Store
    narrator: Narrator
    folder: Path
    catalogue: Catalogue
    tree: Repository | None
    archive: KeptArchive | None
    target: Target
    notes: list[str] = field(default_factory=list)
    locks: dict[str, Callable[[Callable[[], None]], None]] = field(default_factory=dict)
    mails: dict[str, Mail] = field(default_factory=dict)
    attested: dict[str, Attestation] = field(default_factory=dict)

    def locked(self, call: Callable[[], None]) -> None:
        """Run a call while no other patchbot changes refs of the same tree."""
        name = str(self.tree.common if self.tree else "")
        lock = self.locks.setdefault(name, make_lock(self.settings.home, name))
        lock(call)


def run_review(
    options: Options, settings: Settings, store: Store, narrator: Narrator, folder: Path
) -> Review:
    """Review what `options` name, working below `folder`; keeps stage results in `store`.

    Raises a `PatchbotError` where no review can be made at all.
    """
    stages = choose_stages(options.stages)
    context = _prepare(options, settings, store, narrator, folder)
    kept = _load_kept(context) if options.stored else ()
    read = sys.stdin.buffer
    collected = collect_mails(context.target, context.archive, read, narrator.say, kept)
    _keep_threads(context, collected.mails, collected.series)
    context.notes += collected.notes
    series = collected.series
    chosen = choose_revisions(series, options.revision, collected)
    below = _find_below(context, collected, chosen)
    bases = {r.label: _find_base(context, r, below) for r in chosen}
    if options.on is None and below is None:
        context.notes += _hint_needed(context, collected, chosen)
    checked = [_attest(context, revision) for revision in chosen]
    narrator.found(_foresee(context, series, checked, bases))
    requests = {r.label: _make_request(context, series, r, bases[r.label], stages) for r in checked}
    results = run_stages(
        requests, stages, store=store, use_stored=not options.no_cache,
        jobs=options.jobs or settings.jobs, listener=narrator.listener(),
    )  # fmt: skip
    policy = make_policy(options.stages)
    reviewed = tuple(
        RevisionReview(
            revision, bases[revision.label][0], results[revision.label],
            decide_verdict(results[revision.label], policy),
        )
        for revision in checked
    )  # fmt: skip
    return _make_review(context, series, reviewed)


def _make_review(context: _Context, series: Series, reviewed: tuple[RevisionReview, ...]) -> Review:
    tree = str(context.tree.top) if context.tree else None
    notes = tuple(dict.fromkeys(context.notes))
    return Review(series, reviewed, tree, notes, tuple(context.mails.values()), _say_asked(context))


def _foresee(
    context: _Context,
    series: Series,
    revisions: Sequence[Revision],
    bases: Mapping[str, tuple[Base | None, str]],
) -> Review:
    """Return the review as it is before any stage has run."""
    verdict = decide_verdict((), Policy())
    reviewed = tuple(RevisionReview(r, bases[r.label][0], (), verdict) for r in revisions)
    return _make_review(context, series, reviewed)


def _say_asked(context: _Context) -> dict[str, str]:
    """Return what a later run has to ask for as well; a server's password is not kept."""
    options, lore = context.options, context.options.lore or context.target.inbox
    asked = {"base": options.base, "on": options.on}
    asked["lore"] = lore if lore and "@" not in lore else None
    return {name: value for name, value in asked.items() if value}


def _load_kept(context: _Context) -> list[Mail]:
    """Return the mails that were kept, and remember what was found of their signatures."""
    name = context.target.message_id
    if name is None or context.target.paths:
        raise UsageError("--stored wants one message-id", hint="patchbot show lists what is kept")
    mails, document = load_kept(context.store, name)
    for patch in (patch for each in document["revisions"] for patch in each["patches"]):
        context.attested[patch["message_id"]] = Attestation(**patch["attestation"])
    return mails


def _keep_threads(context: _Context, mails: Mails, series: Series) -> None:
    """Remember the mails of the threads that hold a mail of the series."""
    ids = [each for each in series_message_ids(series) if each in mails]
    roots = {mails.root(mails[each]).message_id for each in ids}
    context.mails |= {m.message_id: m for m in mails if mails.root(m).message_id in roots}


def choose_stages(names: Sequence[str] | None) -> tuple[Stage, ...]:
    """Return the stages with these names, all for None; raises `UsageError` for unknown ones."""
    if names is None:
        return tuple(STAGES.values())
    for name in names:
        if name not in STAGES:
            raise UsageError(f"there is no stage {name!r}", hint=f"there are: {', '.join(STAGES)}")
    if not names:
        raise UsageError("no stage is named", hint=f"there are: {', '.join(STAGES)}")
    return tuple(stage for name, stage in STAGES.items() if name in names)


def make_policy(names: Sequence[str] | None) -> Policy:
    """Return the policy: what was asked for must pass; without a choice, see `Policy`."""
    return Policy(required=tuple(names), asked=True) if names is not None else Policy()


def _prepare(
    options: Options, settings: Settings, store: Store, narrator: Narrator, folder: Path
) -> _Context:
    target = parse_targets(options.targets)
    lore = options.lore or target.inbox or settings.lore
    wanted = not options.stored and (not target.paths or options.lore is not None)
    archive = KeptArchive(lore, settings, store, fresh=options.no_cache) if wanted else None
    tree = find_tree(options.tree, settings.tree)
    if options.base is not None:
        if tree is None:
            raise UsageError("--base needs a tree", hint="name one with --tree")
        if tree.resolve_commit(options.base) is None:
            raise UsageError(f"{tree.top} has no commit {options.base!r}", hint="see git log there")
    catalogue = read_catalogue(find_series_folder())
    return _Context(options, settings, store, narrator, folder, catalogue, tree, archive, target)


def choose_revisions(series: Series, wanted: str, collected: Collected) -> tuple[Revision, ...]:
    """Return the revisions that `--revision` asks for, oldest first; raises `UsageError`."""
    if wanted == "all":
        return series.revisions
    if wanted == "latest":
        return series.revisions[-1:]
    if wanted == "named":
        return (find_revision(series, collected.message_id, collected.mails),)
    labels = [each if each.startswith("v") else f"v{each}" for each in wanted.split(",")]
    known = {revision.label: revision for revision in series.revisions}
    for label in labels:
        if label not in known:
            name, hint = label.removeprefix("v"), f"there are: {', '.join(known)}"
            raise UsageError(f"there is no revision {name!r}", hint=hint)
    return tuple(revision for label, revision in known.items() if label in labels)


def _find_below(
    context: _Context, collected: Collected, chosen: Sequence[Revision]
) -> tuple[Base | None, str] | None:
    """Apply the revision that the reviewed ones belong on top of; None where there is none.

    Returns the base it makes, or None with the reason why it makes none.
    """
    named = context.options.on
    known = context.catalogue.find_below(i for r in chosen for i in r.message_ids)
    if named is None and (known is None or context.tree is None or context.options.base):
        return None
    wanted = named or known or ""
    try:
        series, revision = _find_other(context, collected, wanted)
    except (FetchError, MailError) as error:
        if named is not None:
            raise
        context.notes.append(f"belongs on top of <{known}>, which can't be had: {error}")
        return None
    if named is None:
        context.notes.append(f"the catalogue says that it belongs on top of <{known}>")
    return _apply_below(context, series, revision)


def _find_other(context: _Context, collected: Collected, name: str) -> tuple[Series, Revision]:
    """Find the series and revision that another message-id names, here or on the server."""
    other = parse_targets([name])
    if other.paths or other.message_id is None:
        raise UsageError("--on wants a message-id", hint="name a mail of the revision below")
    if other.message_id in collected.mails:
        mails = collected.mails
    elif context.archive is not None:
        target = Target((), other.message_id, None)
        mails = collect_mails(target, context.archive, sys.stdin.buffer, context.narrator.say).mails
    else:
        raise MailError(
            f"<{other.message_id}> is not among the mails", hint="name its mbox too, or --lore"
        )
    series = select_series(build_series(mails), mails, other.message_id)
    _keep_threads(context, mails, series)
    return series, find_revision(series, other.message_id, mails)


def _apply_below(context: _Context, series: Series, revision: Revision) -> tuple[Base | None, str]:
    base, why = _find_base(context, revision, None)
    stage = STAGES["apply"]
    request = _make_request(context, series, revision, (base, why), (stage,), "below-")
    label = f"{revision.label} below"
    results = run_stages(
        {label: request}, (stage,), store=context.store,
        use_stored=not context.options.no_cache, listener=context.narrator.listener(),
    )  # fmt: skip
    result = results[label][0]
    name = f"{revision.label} of {series.title!r} <{revision.message_id}>"
    commits = result.data.get("commits")
    if result.status not in (Status.PASS, Status.WARN) or not isinstance(commits, list):
        return None, f"it is to go on top of {name}, which is not applied: {result.reason}"
    below = f"{base.commit[:12]} ({base.how})" if base else why
    how = f"on top of {name}, itself on {below}"
    return Base(str(commits[-1]), how, guess=bool(base and base.guess)), ""


def _find_base(
    context: _Context, revision: Revision, below: tuple[Base | None, str] | None
) -> tuple[Base | None, str]:
    """Return the base of a revision, or None and the reason."""
    if context.tree is None:
        return None, NO_TREE
    if below is not None:
        return below
    context.narrator.say(f"{revision.label}: looking for its base")
    hints = context.catalogue.find_bases(revision.message_ids)
    try:
        return find_base(context.tree, revision, context.options.base, hints), ""
    except TreeError as error:
        return None, f"no base: {error}"


def _hint_needed(context: _Context, collected: Collected, chosen: Sequence[Revision]) -> list[str]:
    """Say which known revision a fix belongs on top of, where its Fixes: or thread tells."""
    own = {i for r in collected.series.revisions for i in r.message_ids}
    hints = []
    for patch in (patch for revision in chosen for patch in revision.patches):
        fixed = find_fixed(patch.mail)
        if context.tree and any(context.tree.resolve_commit(commit) for commit, _ in fixed):
            continue
        mails = Mails([*collected.mails, *_search_titles(context, [title for _, title in fixed])])
        found = find_needed(patch.mail, find_postings(mails))
        needed = [posting for posting in found if posting.first.message_id not in own]
        if needed:
            newest = needed[-1]
            hints.append(
                f"{patch.title[:60]!r} seems to belong on top of {newest.where} of"
                f" {newest.title!r}: try --on {newest.first.message_id}"
            )
    return list(dict.fromkeys(hints))


def _search_titles(context: _Context, titles: Sequence[str]) -> list[Mail]:
    """Ask the server for the patches that `Fixes:` trailers name; nothing where it fails."""
    found: list[Mail] = []
    for title in titles[:_MAX_FIXED]:
        if context.archive is None:
            break
        context.narrator.say(f"searching for the patch it fixes: {title}")
        try:
            found += read_mails(io.BytesIO(context.archive.fetch_search(f's:"{phrase(title)}"')))
        except FetchError as error:
            context.notes.append(f"the patch it fixes was not searched: {error}")
    return found


def _attest(context: _Context, revision: Revision) -> Revision:
    """Add to each patch what b4 finds of its signatures."""
    archive = context.archive
    patches = []
    for patch in revision.patches:
        if patch.message_id in context.attested:
            found = context.attested[patch.message_id]
        elif archive is None:
            signed = bool(patch.mail.signed)
            reason = "no network was used" if signed else "no signature"
            found = Attestation("not checked" if signed else "none", reason=reason)
        else:
            found = archive.check_attestation(patch.mail)
        patches.append(dataclasses.replace(patch, attestation=found))
    return dataclasses.replace(revision, patches=tuple(patches))


def _make_request(
    context: _Context,
    series: Series,
    revision: Revision,
    base: tuple[Base | None, str],
    stages: Sequence[Stage],
    prefix: str = "",
) -> StageRequest:
    names = "-".join(stage.name for stage in stages)
    return StageRequest(
        series=series,
        revision=revision,
        tree=context.tree,
        base=base[0],
        why_no_base=base[1],
        folder=stage_folder(context.folder, f"{prefix}{revision.label}", names),
        repeat=_repeat_command(context, revision, base[0]),
        locked=context.locked,
        home=context.settings.home,
    )


def _repeat_command(context: _Context, revision: Revision, base: Base | None) -> str:
    argv = ["patchbot", "review", revision.message_id]
    argv += [str(Path(path).absolute()) for path in context.target.paths if path != "-"]
    lore = context.options.lore or context.target.inbox
    argv += ["--lore", lore] if lore else []
    argv += ["--tree", str(context.tree.top)] if context.tree else []
    if base is not None and context.options.on is not None:
        argv += ["--on", context.options.on]
    elif base is not None and not base.guess:
        argv += ["--base", base.commit]
    argv += ["--stored"] if context.options.stored else []
    argv += ["--revision", revision.label.removeprefix("v"), "--no-cache"]
    return render_command(argv)
