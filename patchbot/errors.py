"""The exception tree: library code raises these, only the command line exits."""

from __future__ import annotations


class PatchbotError(Exception):
    """Something patchbot can explain; `hint` says the way out."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PatchbotError):
    """The command line or the configuration is off."""


class FetchError(PatchbotError):
    """A server gave no usable answer."""


class NotFoundError(FetchError):
    """The server answered, and does not have the message."""


class MailError(PatchbotError):
    """A mail source can't be read, or holds nothing to review."""


class TreeError(PatchbotError):
    """A git tree or a revision of it can't be used."""


class GitError(TreeError):
    """A git command failed; the message carries its own words."""


class StoreError(PatchbotError):
    """The store can't be opened, read or written."""


class ProcessError(PatchbotError):
    """A program is missing, or ran past its time."""


class CancelledError(PatchbotError):
    """The user asked to stop."""
