"""What can go wrong with a guest, apart from what the guest says."""

from __future__ import annotations

from patchbot.errors import PatchbotError


class MachineError(PatchbotError):
    """QEMU can't be run, a guest can't be made, or one of its sockets can't be used."""
