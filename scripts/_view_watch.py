"""A photograph of a training in the Rerun viewer, taken by a browser that has no screen."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from _cli import Stop, stop_on_signal
from _progress import Progress

from agent.pictures import check_picture
from agent.watch.choice import check_watch
from sim.errors import InputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # the viewer draws by WebGL, and here is no GPU
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
)
ADDRESS = r"^watch: (http\S+)$"
POLL_S = 0.5


@dataclass(frozen=True)
class Watch:
    """A live training in the Rerun viewer; needs the extra `pictures` and Chromium."""

    out: Path
    """The picture to write, a .png."""
    looks: int = 3
    """Looks at validation objects before the browser opens."""
    wait: float = 60.0
    """s from there to the picture: without a GPU a viewer is slow to begin."""
    width: int = 1440
    """Pixels."""
    height: int = 720
    """Pixels."""
    quiet: bool = False
    """Do not show progress."""

    def __call__(self) -> int:
        browser = self.check()
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with stop_on_signal() as stop, TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            with training(run) as process:
                if self.shown(process, run, stop):
                    take(browser, address(run), self.out, size=(self.width, self.height), wait=self.wait)
        return stop.status

    def check(self) -> str:
        """The browser. Raises InputError before anything starts."""
        check_picture(self.out)
        if self.out.suffix != ".png":
            raise InputError(f"out={self.out}: a browser's picture is a .png; give a name that ends so")
        for name, value in {"looks": self.looks, "width": self.width, "height": self.height}.items():
            if value < 1:
                raise InputError(f"{name}={value}: at least 1 is needed, or there is nothing to see")
        if not 0 <= self.wait <= 3600:
            raise InputError(f"wait={self.wait}: 0 to 3600 s is needed, as the training goes on meanwhile")
        check_watch("web")
        try:
            import playwright  # noqa: F401
        except ImportError:
            raise InputError("watch: Playwright is not installed: pip install -e .[pictures]") from None
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        if found is None:
            raise InputError(f"watch: no browser is on the PATH; known are {', '.join(BROWSERS)}")
        return found

    def shown(self, process: subprocess.Popen[bytes], run: Path, stop: Stop) -> bool:
        """Wait until there is something to see; False where the user has had enough."""
        with Progress(self.looks, unit="looks", title="training", quiet=self.quiet) as bar:
            while (done := looks_of(run)) < self.looks and not stop:
                if process.poll() is not None:
                    raise InputError(f"watch: the training ended too soon: {log_of(run).read_text().strip()[-300:]}")
                bar.advance(done, "the picture comes after the last")
                time.sleep(POLL_S)
        return not stop


@contextmanager
def training(run: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A live run with corrupted commands, small enough for two cores, until the end of the block."""
    command = ["--out", str(run), "--rerun", "web", "--corrupt", "gaussian:0.5", "--workers", "1", "--batch", "16"]
    command += ["--steps", "1000000", "--validation-episodes", "60", "--bank-episodes", "60", "--log-every", "5"]
    with log_of(run).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("train_online.py")), *command, "--validate-every", "40"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def log_of(run: Path) -> Path:
    """What the run says."""
    return run.with_suffix(".log")


def address(run: Path) -> str:
    """Where the viewer is."""
    found = re.search(ADDRESS, log_of(run).read_text(), re.MULTILINE)
    assert found, "train_online.py --rerun web tells the address"
    return found[1]


def looks_of(run: Path) -> int:
    """How often a run has looked at its validation objects."""
    history = run / "history.jsonl"
    return history.read_text().count('"probe/knn_validation"') if history.exists() else 0


def take(browser: str, url: str, out: Path, *, size: tuple[int, int], wait: float) -> None:
    """Have the browser open a page, and write what it shows after `wait` seconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=list(FLAGS))
        page = opened.new_page(viewport={"width": size[0], "height": size[1]})
        page.goto(url)
        page.wait_for_timeout(1000 * wait)
        page.screenshot(path=out)
        opened.close()
