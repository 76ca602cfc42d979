"""Rules over kernel C: one folder a rule, with the code it rejects and the code it accepts.

Imports neither ``patchbot`` nor ``kernel_sim``; ``patchbot`` calls it from a stage.

    report = check_files(FolderSources(Path("linux")), ["fs/ext4/inode.c"])
    for finding in report.findings: ...
"""

from __future__ import annotations

from patchbot_checks.checker import check_files
from patchbot_checks.registry import RULES, RuleInfo
from patchbot_checks.report import Finding, NotUnderstood, Report, Severity, Step
from patchbot_checks.sources import FolderSources, MemorySources, Sources

__all__ = [
    "RULES",
    "Finding",
    "FolderSources",
    "MemorySources",
    "NotUnderstood",
    "Report",
    "RuleInfo",
    "Severity",
    "Sources",
    "Step",
    "check_files",
]
