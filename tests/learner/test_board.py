"""A run in TensorBoard, read back by TensorBoard's own readers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from agent.pictures import pair_sheet
from learner.board import RARELY, Board, sprites
from sim.errors import InputError
from tests.full_disk import room_for
from tests.learner.test_checkpoint import pairs_of

CATEGORIES = ("car", "mug", "tree")
RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (7, 40, 40, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2, 2])


def features_at(step: int) -> np.ndarray:
    return np.random.default_rng(step).standard_normal((7, 5)).astype(np.float32)


def projector(folder: Path) -> dict[str, Client]:
    """TensorBoard's projector over a folder of runs: its pages by name."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    context = base_plugin.TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(folder)), logdir=str(folder))
    return {name: Client(page) for name, page in ProjectorPlugin(context).get_plugin_apps().items()}


def test_curves_and_pairs_come_back(tmp_path: Path) -> None:
    board = Board(tmp_path, CATEGORIES)
    for step in (1, 2, 3):
        board.figures(step, {"loss": 1.0 / step, "probe/knn_validation": 0.25})
    board.pairs(2, pairs_of(5))
    board.close()
    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [
        (1, 1.0),
        (2, 0.5),
        (3, pytest.approx(1 / 3)),
    ]
    (picture,) = found.Images("pairs")
    pixels = cv2.imdecode(np.frombuffer(picture.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), pair_sheet(pairs_of(5)))
    assert picture.step == 2


def test_a_sheet_shows_each_pair_one_over_the_other() -> None:
    pairs = pairs_of(1)
    sheet = pair_sheet(pairs, count=3)
    assert sheet.shape == (64, 96, 3)
    for number in range(3):
        column = sheet[:, 32 * number : 32 * number + 32]
        np.testing.assert_array_equal(column[:32], pairs.first[number].permute(1, 2, 0).numpy())
        np.testing.assert_array_equal(column[32:], pairs.second[number].permute(1, 2, 0).numpy())


def test_what_a_resumed_run_takes_anew_is_shown_once(tmp_path: Path) -> None:
    for first in (1, 3):
        board = Board(tmp_path)
        for step in range(first, first + 4):
            board.figures(step, {"loss": float(first)})
        board.close()
    found = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in found] == [(1, 1), (2, 1), (3, 3), (4, 3), (5, 3), (6, 3)]


def test_the_projector_shows_the_last_features_with_category_and_frame(tmp_path: Path) -> None:
    board = Board(tmp_path / "run" / "tensorboard", CATEGORIES)
    for step in range(3):
        board.figures(step, {"loss": 0.0})
        board.features(step, features_at(step), FRAMES, LABELS)
    board.close()
    pages = projector(tmp_path)
    (run,) = pages["/runs"].get("/runs").get_json()
    (shown,) = pages["/info"].get(f"/info?run={run}").get_json()["embeddings"]
    assert shown["tensorShape"] == [7, 5]
    tensor = pages["/tensor"].get(f"/tensor?run={run}&name={shown['tensorName']}").data
    np.testing.assert_allclose(np.frombuffer(tensor, np.float32).reshape(7, 5), features_at(2), rtol=1e-4)
    metadata = pages["/metadata"].get(f"/metadata?run={run}&name={shown['tensorName']}").text
    assert metadata.split() == [CATEGORIES[label] for label in LABELS]
    picture = pages["/sprite_image"].get(f"/sprite_image?run={run}&name={shown['tensorName']}").data
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    width, height = shown["sprite"]["singleImageDim"]
    assert (width, height, pixels.shape) == (32, 32, (96, 96, 3))
    np.testing.assert_array_equal(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), sprites(FRAMES, 32))


def test_sprites_lie_row_by_row_as_the_projector_counts_them() -> None:
    """Its number n is in row n // columns, and the picture is square (TensorBoard's projector, `sprite`)."""
    flat = np.repeat(np.arange(1, 6, dtype=np.uint8), 3 * 16).reshape(5, 4, 4, 3)
    sheet = sprites(flat, 2)
    assert sheet[::2, ::2, 0].tolist() == [[1, 2, 3], [4, 5, 0], [0, 0, 0]]
    np.testing.assert_array_equal(sheet[1::2, 1::2], sheet[::2, ::2])


def test_features_are_written_rarely(tmp_path: Path) -> None:
    board, written = Board(tmp_path, CATEGORIES), []
    for step in range(2 * RARELY + 3):
        board.features(step, np.full((2, 3), step, np.float32), FRAMES[:2], LABELS[:2])
        written.append(float((tmp_path / "features.tsv").read_text().split()[0]))
    board.close()
    expected = np.repeat([0, RARELY, 2 * RARELY], [RARELY, RARELY, 3])
    assert written == expected.tolist()
    assert float((tmp_path / "features.tsv").read_text().split()[0]) == 2 * RARELY + 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_last_that_a_full_disk_does_not_take_is_told_in_a_line(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.figures(1, {"loss": 1.0})
    with room_for(1), pytest.raises(InputError, match="cannot be written"):
        board.close()


def test_a_place_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    board = Board(tmp_path / "file", CATEGORIES)
    with pytest.raises(InputError, match="nothing can be kept there"):
        board.features(0, features_at(0), FRAMES, LABELS)
