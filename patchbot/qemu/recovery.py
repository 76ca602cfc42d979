"""What recovery would do with a journal as it is now.

Source: fs/jbd2/recovery.c, do_one_pass() (v6.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from patchbot.qemu.ext4 import ImageError
from patchbot.qemu.jbd2 import Block, JournalError, JournalSuper, Kind
from patchbot.qemu.journal import Journal, Mismatch

_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery does with a journal as it is: transactions and blocks that it would replay.

    `bad` counts blocks whose checksums stop it, of which `mismatches` are the first; `error` is
    another reason why it fails. `needed` is false where the file system asks for no recovery.
    """

    needed: bool
    transactions: int = 0
    blocks: int = 0
    bad: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether recovery succeeds, or has nothing to do."""
        return not self.bad and not self.error


def find_recovery(journal: Journal) -> Recovery:
    """Say what recovery would do with a journal as it is now."""
    try:
        if not journal.needs_recovery:
            return Recovery(False)
        head = journal.head()
        return _Recovering(journal, head).run() if head.start else Recovery(True)
    except (ImageError, JournalError) as error:
        return Recovery(True, error=str(error))


class _Recovering:
    """The three passes of recovery over one journal: scan, revoke, replay."""

    def __init__(self, journal: Journal, head: JournalSuper) -> None:
        self._journal, self._head = journal, head
        self._descriptors: list[tuple[int, Block]] = []
        self._revoked: dict[int, int] = {}
        self._transactions = self._blocks = self._bad = 0
        self._kept: list[Mismatch] = []

    def run(self) -> Recovery:
        error = self._scan()
        if error:
            return Recovery(True, self._transactions, error=error)
        for at, found in self._descriptors:
            self._replay(at, found)
        return Recovery(True, self._transactions, self._blocks, self._bad, tuple(self._kept))

    def _replay(self, at: int, found: Block) -> None:
        for block, tag, value in self._journal.check(found, at):
            if self._is_revoked(tag.target, found.sequence):
                continue
            self._blocks += 1
            if value == tag.checksum:
                continue
            self._bad += 1
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(self._journal.mismatch(found, at, block, tag, value))

    def _scan(self) -> str:
        """Collect the whole transactions; return why the log can't be used, mostly nothing."""
        sequence, at, doubted, last_time = self._head.sequence, self._head.start, False, 0
        pending: list[tuple[int, Block]] = []
        for _step in range(self._head.last - self._head.first + 1):
            found = self._journal.block(at)
            if found is None or found.sequence != sequence:
                return ""
            doubted |= not found.right and found.kind is not Kind.COMMIT
            if found.kind is not Kind.COMMIT:
                pending.append((at, found))
                at = self._head.after(at, 1 + len(found.tags))
                continue
            if doubted or not found.right:
                return self._judge_commit(found, last_time, doubted)
            self._keep(pending)
            pending, last_time = [], found.time
            sequence, at = (sequence + 1) & 0xFFFFFFFF, self._head.after(at)
        return "the log has no end"

    def _judge_commit(self, found: Block, last_time: int, doubted: bool) -> str:
        """A commit whose transaction has a wrong control block: an older journal's, or damage."""
        if found.time < last_time or (self._head.asynchronous and not doubted):
            return ""
        return f"transaction {found.sequence} has a control block with a wrong checksum"

    def _keep(self, pending: list[tuple[int, Block]]) -> None:
        self._transactions += 1
        for at, found in pending:
            if found.kind is Kind.DESCRIPTOR:
                self._descriptors.append((at, found))
            for target in found.revoked:
                self._revoked[target] = found.sequence

    def _is_revoked(self, target: int, sequence: int) -> bool:
        by = self._revoked.get(target)
        return by is not None and (by - sequence) & 0xFFFFFFFF < 1 << 31
