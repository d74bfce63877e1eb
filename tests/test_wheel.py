"""The wheel: all packages and data files, and the whole job from elsewhere than the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.scripts.running import ROOT

pytestmark = pytest.mark.long
DATA = (".typed", ".jinja")
TINY = (
    *(
        "--steps",
        "5",
        "--batch",
        "8",
        "--buffer-episodes",
        "20",
        "--image-size",
        "32",
        "--frames",
        "6",
        "--workers",
        "1",
    ),
    *("--validation-episodes", "2", "--test-episodes", "4", "--bank-episodes", "16", "--device", "cpu", "--quiet"),
)


def call(*words: object, cwd: Path) -> str:
    """What a program says that must succeed, and that knows nothing of the repository."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git knows, as from a fresh clone."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = call("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in filter(lambda name: (ROOT / name).is_file(), listed):
        (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "clone" / name).write_bytes((ROOT / name).read_bytes())
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder / "dist")
    call(*pip, folder / "clone", cwd=folder)
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_everything_is_in_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for room, name in {"sim": "sim", "agent": "agent", "learner": "learner", "scripts": "armplay"}.items():
        files = [path for path in (ROOT / room).rglob("*") if path.suffix in (".py", *DATA)]
        assert {f"{name}/{path.relative_to(ROOT / room)}" for path in files} <= inside
    assert not any(name.startswith(("tests/", "docs/", "scripts/")) for name in inside)


def test_installed_elsewhere_it_does_the_whole_job(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has what armplay needs, and nothing of the repository."""
    venv.create(tmp_path / "env", with_pip=True)
    bin_, site = tmp_path / "env" / "bin", next((tmp_path / "env").glob("lib/python*/site-packages"))
    # What is installed here is found, what is installed as editable is not.
    (site / "needed.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n")
    call(bin_ / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    assert f"{site}/" in call(bin_ / "python", "-c", "import learner; print(learner.__file__)", cwd=tmp_path)
    assert "train_online" in call(bin_ / "armplay", "--help", cwd=tmp_path)
    shown = call(bin_ / "armplay", "train", "--help", cwd=tmp_path)
    assert "armplay train --data data/hold" in shown
    assert "--no-python armplay train --data data/hold" in shown
    assert "python scripts/" not in shown
    assert "report: run/report.html" in call(bin_ / "armplay", "train_online", "--out", "run", *TINY, cwd=tmp_path)
    assert (tmp_path / "run" / "encoder" / "config.json").is_file()
    data = ("--encoder", "run", "--data", "run/episodes", "--out", "features.npz", "--quiet")
    assert "256 features" in call(bin_ / "armplay", "embed", *data, cwd=tmp_path)
