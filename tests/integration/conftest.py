"""Fixtures of the tests that boot kernels; these run one after the other, in one process."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from patchbot.kbuild.image import Image
from tests.support.kernels import Kernels, make_kernels


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Debian's 6.1, and a way to change and build it."""
    return make_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def stock(kernels: Kernels) -> Image:
    """The image of the unmodified sources."""
    with tempfile.TemporaryDirectory() as scratch:
        return kernels.image(kernels.base, Path(scratch) / "git")
