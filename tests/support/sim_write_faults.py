"""Faults of writing back seeded into a real kernel, by what its functions call."""

from __future__ import annotations

from collections.abc import Mapping

from patchbot.lab.edits import apply, delete
from patchbot.lab.syntax import Code, statement_of

_REDIRTY = {"redirty_page_for_writepage", "folio_redirty_for_writepage"}


def forget_redirty(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The commit's callback leaves all pages of its range clean, whoever still needs them dirty."""
    code = Code("fs/ext4/super.c", files["fs/ext4/super.c"])
    calls = [call for func in code.functions for call in func.named(_REDIRTY)]
    assert len(calls) == 1
    return {code.path: apply(code.data, [delete(code, statement_of(calls[0].node))])}
