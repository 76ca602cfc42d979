"""All stages of a review, in the order of their columns.

To add one: a module here with a class that has what `Stage` names, and its entry in `STAGES`.
"""

from __future__ import annotations

from patchbot.stages.apply import ApplyStage
from patchbot.stages.base import Stage
from patchbot.stages.build import BuildStage
from patchbot.stages.simulate import SimulateStage
from patchbot.stages.smoke import SmokeStage
from patchbot.stages.static import StaticStage
from patchbot.stages.tools import ToolsStage

_ALL: tuple[Stage, ...] = (
    ApplyStage(), StaticStage(), ToolsStage(), SimulateStage(), BuildStage(), SmokeStage(),
)  # fmt: skip
STAGES: dict[str, Stage] = {stage.name: stage for stage in _ALL}
