"""What is shipped works: sdist, a wheel built from it, a fresh environment, the demo from there."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support import ROOT

# One worker for all: the build is shared (with xdist: --dist loadgroup, as make test does).
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distribution")]


def run(*command, cwd, env=None):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the sdist and the wheel built from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def fresh(built, tmp_path_factory):
    """The bin folder of a new environment that holds the wheel.

    The dependencies are read from this environment's folder through a .pth file, whose own .pth
    files are not followed: the editable patchbot stays out of sight.
    """
    top = tmp_path_factory.mktemp("fresh")
    venv.create(top, with_pip=False, symlinks=True)
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", top)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=top)
    (packages,) = top.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return top / "bin"


def test_the_fresh_environment_imports_the_wheel(fresh, tmp_path):
    names = ("patchbot", "patchbot_checks", "kernel_sim")
    script = f"import importlib as i\nfor n in {names}: print(i.import_module(n).__file__)"
    files = run(fresh / "python", "-c", script, cwd=tmp_path).split()
    assert [Path(file).is_relative_to(fresh.parent) for file in files] == [True] * len(names)


def test_the_wheel_ships_the_data(fresh, tmp_path):
    script = (
        "from importlib.resources import files\n"
        "print(files('patchbot') / '_data' / 'series')\nprint(files('kernel_sim') / 'kernel')"
    )
    series, kernel = map(Path, run(fresh / "python", "-c", script, cwd=tmp_path).split())
    assert _names(series) == _names(ROOT / "series")
    assert _names(kernel) == _names(ROOT / "kernel-sim" / "kernel_sim" / "kernel")


def test_the_version_is_the_packages(fresh, tmp_path):
    script = (
        "import patchbot, importlib.metadata as m\n"
        "assert m.version('patchbot') == patchbot.__version__, m.version('patchbot')"
    )
    run(fresh / "python", "-c", script, cwd=tmp_path)


def test_the_demo_runs_from_the_wheel(fresh, tmp_path):
    out = run(fresh / "patchbot", "demo", "--plain", cwd=tmp_path, env=dict(os.environ))
    assert out.strip()


def _names(top: Path) -> list[str]:
    """The files below a folder, without what Python and git leave there."""
    found = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if "__pycache__" not in path.parts)
