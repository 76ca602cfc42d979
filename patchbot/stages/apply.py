"""The apply stage: does the revision apply to its base, as `git am` would apply it?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from patchbot.apply import Applied, apply_patches
from patchbot.git import REF_PREFIX, Repository, make_scratch
from patchbot.model import Base, Finding, Severity, StageResult, Status
from patchbot.proc import run_program
from patchbot.stages.base import StageRequest, hash_key, hash_patch

_VERSION = "1"


class ApplyStage:
    """Applies every patch in a scratch repository, and publishes the commits under patchbot's refs.

    `data` of its result: `commits` (one per patch), `tree`, `base`, `ref`.
    """

    name = "apply"
    version = _VERSION
    needs: tuple[str, ...] = ()
    summary = "apply the patches to the base, as git am would"

    def key(self, request: StageRequest) -> str | None:
        """Hash the base, the guess, and every patch."""
        if request.tree is None or request.base is None:
            return None
        patches = [(p.number, hash_patch(p)) for p in request.revision.patches]
        where = [request.base.commit, request.base.guess, str(request.tree.common)]
        return hash_key(self.name, self.version, where, patches, request.revision.missing)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """Whether the commits of a kept result are still in the tree; sets its ref anew."""
        commits, ref, tree = stored.data.get("commits"), ref_name(request), request.tree
        if tree is None:
            return False
        if not isinstance(commits, list) or not commits:
            request.locked(lambda: drop_ref(tree, ref))
            return stored.status in (Status.FAIL, Status.INCONCLUSIVE)
        if not tree.has_objects(commits):
            return False
        if tree.resolve_commit(ref) != commits[-1]:
            request.locked(lambda: tree.update_refs({ref: commits[-1]}))
        return True

    def run(self, request: StageRequest) -> StageResult:
        """Apply the revision; see `ApplyStage`."""
        tree, base, revision = request.tree, request.base, request.revision
        if tree is None or base is None:
            return self._result(request, Status.SKIPPED, request.why_no_base)
        if revision.missing or not revision.patches:
            request.locked(lambda: drop_ref(tree, ref_name(request)))
            have = f"{len(revision.patches)} of {revision.total} patches"
            reason = f"not applied: only {have} are in the mails"
            return self._result(request, Status.INCONCLUSIVE, reason)
        scratch = make_scratch(tree, request.folder)
        applied = apply_patches(scratch, base.commit, revision.patches)
        if applied.commits:
            refs = {ref_name(request): applied.commits[-1]}
            request.locked(lambda: scratch.publish(applied.commits, base.commit, refs))
        else:
            request.locked(lambda: drop_ref(tree, ref_name(request)))
        return self._judge(request, applied, base)

    def _judge(self, request: StageRequest, applied: Applied, base: Base) -> StageResult:
        count = len(request.revision.patches)
        findings = (*_prerequisite_findings(request), *applied.findings)
        if not applied.commits:
            last = applied.findings[-1]
            which = f"patch {applied.failed} of {count} does not apply"
            if applied.refused or last.rule == "unsafe-path":
                reason = f"patch {applied.failed} of {count} was refused: {last.rule}"
                return self._result(request, Status.FAIL, reason, findings)
            if base.guess:
                reason = f"{which} to a base that is only a guess; name the right one with --base"
                return self._result(request, Status.INCONCLUSIVE, reason, findings)
            return self._result(request, Status.FAIL, which, findings)
        data = {
            "commits": list(applied.commits),
            "tree": applied.tree,
            "base": base.commit,
            "ref": ref_name(request),
        }
        reason = f"{count} patch{'es' if count != 1 else ''} applied"
        status = Status.PASS
        if applied.three_way:
            status, reason = Status.WARN, f"{reason}, some only with a 3-way merge"
        elif base.guess:
            status, reason = Status.WARN, f"{reason}, to a base that is only a guess"
        return self._result(request, status, reason, findings, data)

    def _result(
        self,
        request: StageRequest,
        status: Status,
        reason: str,
        findings: tuple[Finding, ...] = (),
        data: Mapping[str, object] = MappingProxyType({}),
    ) -> StageResult:
        return StageResult(
            stage=self.name,
            status=status,
            reason=reason,
            findings=findings,
            tools={"git": git_version()},
            repeat=request.repeat,
            data=data,
        )


def ref_name(request: StageRequest) -> str:
    """Return the ref that a revision's last commit stands under."""
    return f"{REF_PREFIX}{request.series.slug}/{request.revision.label}"


def drop_ref(tree: Repository, ref: str) -> None:
    """Delete a ref of an earlier run, so that it can't be taken for this one's result."""
    if tree.resolve_commit(ref) is not None:
        tree.update_refs({ref: None})


def git_version() -> str:
    """Return git's version, such as "2.39.5"."""
    words = run_program(["git", "--version"]).stdout.decode("utf-8", "replace").split()
    return words[2] if len(words) > 2 else "unknown"


def _prerequisite_findings(request: StageRequest) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "needs-another-series",
            Severity.WARNING,
            f"it says that it needs another patch or series first: {needed}",
        )
        for needed in request.revision.prerequisites
    )
