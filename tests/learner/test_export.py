"""An exported encoder is the same elsewhere, says what it is, and runs no code."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import learner.export
from learner.encoders import ENCODERS, Encoder, build_encoder
from learner.export import export_encoder, load_encoder
from learner.probes import embed
from sim.errors import InputError
from tests.learner.test_checkpoint import Trap, _one_thread  # noqa: F401
from tests.learner.timm_here import STANDINS, stand_in
from tests.references.resnet import expected_state

ROOT = Path(__file__).resolve().parents[2]


def worn(name: str, *, size: int = 32) -> Encoder:
    """An encoder with BatchNorm's statistics no longer those of the start."""
    encoder = build_encoder(name, seed=0, image_size=size)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        encoder(torch.randn(4, 3, size, size, generator=generator))
    return encoder


def export(folder: Path, name: str = "small", **trained: object) -> Encoder:
    encoder = worn(name)
    export_encoder(folder, encoder, name=name, image_size=32, trained=trained)
    return encoder


def run_python(code: str, *arguments: object) -> None:
    paths = os.pathsep.join((str(ROOT), str(STANDINS)))
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=True,
        cwd=ROOT,
        timeout=100,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


ELSEWHERE = """
import sys, numpy as np, torch
from pathlib import Path
from learner import load_encoder
folder, count = Path(sys.argv[1]), int(sys.argv[2])
images = torch.from_numpy(np.load(folder / "images.npy"))
for number in range(count):
    encoder = load_encoder(folder / str(number))
    assert not encoder.training and encoder.image_size == 32
    with torch.inference_mode():
        np.save(folder / f"{number}.npy", encoder(images).numpy())
training = [name for name in sys.modules if name.startswith(("learner.training", "learner.methods", "agent.collect"))]
assert training == [] and "pybullet" not in sys.modules, training
"""


def test_an_exported_encoder_has_the_same_features_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    names = [*ENCODERS, "timm:tiny_transformer", "timm:tiny_convolution"]
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    np.save(tmp_path / "images.npy", images.numpy())
    expected = []
    for number, name in enumerate(names):
        encoder = export(tmp_path / str(number), name).eval()
        with torch.inference_mode():
            expected.append(encoder(images).numpy())
    run_python(ELSEWHERE, tmp_path, len(names))
    for number, name in enumerate(names):
        np.testing.assert_array_equal(np.load(tmp_path / f"{number}.npy"), expected[number], name)


def test_the_weights_have_the_names_under_which_others_know_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    export(tmp_path / "resnet", "resnet18")
    shapes = {name: tuple(tensor.shape) for name, tensor in load_file(tmp_path / "resnet/encoder.safetensors").items()}
    assert shapes == expected_state("resnet18")
    export(tmp_path / "timm", "timm:tiny_convolution")
    model = sys.modules["timm"].create_model("tiny_convolution", num_classes=0)
    model.load_state_dict(load_file(tmp_path / "timm/encoder.safetensors"))


def test_a_run_is_as_good_as_its_encoder(tmp_path: Path) -> None:
    encoder = export(tmp_path / "run/encoder")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    for path in (tmp_path / "run", tmp_path / "run/encoder", str(tmp_path / "run")):
        np.testing.assert_array_equal(embed(load_encoder(path), images), embed(encoder, images))


TRAINED = {
    "method": "aa-simclr",
    "data": "live play | kuka",
    "steps": 7,
    "seed": 3,
    "init": {"file": "resnet18.pth", "sha256": "ab12"},
    "scores": [{"representation": "aa-simclr", "probe": "kNN", "accuracy": 0.4567, "chance": 0.25}],
}


def test_the_card_and_the_config_say_how_the_encoder_came_about(tmp_path: Path) -> None:
    export(tmp_path, "resnet18", **TRAINED)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["trained"] == TRAINED
    assert (config["encoder"], config["features"], config["image_size"]) == ("resnet18", 512, 32)
    card = (tmp_path / "README.md").read_text()
    for row in (
        "| method | aa-simclr |",
        "| data | live play \\| kuka |",
        "| steps | 7 |",
        "| seed | 3 |",
        "| init | resnet18.pth, SHA-256 ab12 |",
        "| aa-simclr | kNN | 45.7 % | 25.0 % |",
        "torchvision.models.resnet18()",
    ):
        assert row in card, row
    assert card.startswith("---\n")
    export(tmp_path / "small")
    assert "Accuracy" not in (tmp_path / "small/README.md").read_text()  # nothing is known of it


def test_the_cards_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = export(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    code = re.findall(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.DOTALL)
    assert len(code) == 1
    monkeypatch.chdir(tmp_path)
    made: dict[str, torch.Tensor] = {}
    exec(code[0], made)
    np.testing.assert_allclose(made["features"].detach(), embed(encoder, pixels[None]), rtol=1e-4, atol=1e-6)


def test_killed_while_it_is_replaced_no_mix_of_two_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(tmp_path, steps=1)

    def killed(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(learner.export, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            export(tmp_path, "resnet18", steps=2)
    with pytest.raises(InputError, match="not an encoder exported by armplay"):
        load_encoder(tmp_path)
    export(tmp_path, steps=2)
    assert load_encoder(tmp_path).features == 256
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "config",
    ["", "[]", "null", "{}", '{"format": "other", "encoder": "small"}', '{"format": "armplay-encoder", "encoder": []}'],
)
def test_a_folder_that_is_no_exported_encoder_is_refused(config: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not an encoder"):
        load_encoder(tmp_path)
    export(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError, match="not an encoder") as told:
        load_encoder(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": 2}, "version 2: at most 1 is read here; update armplay"),
        ({"encoder": "resnet19"}, "^encoder=resnet19: one of small"),
        ({"encoder": "resnet18"}, "not an encoder exported by armplay .*[Mm]issing key"),
        ({"image_size": "32"}, "not an encoder exported by armplay"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(changed: dict[str, object], message: str, tmp_path: Path) -> None:
    export(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(InputError, match=message) as told:
        load_encoder(tmp_path)
    assert "\n" not in str(told.value)


def test_nothing_runs_code_from_the_weights(tmp_path: Path) -> None:
    export(tmp_path)
    for data in (pickle.dumps(Trap(tmp_path / "sprung")), b"\x00" * 100, b""):
        (tmp_path / "encoder.safetensors").write_bytes(data)
        with pytest.raises(InputError, match="not an encoder exported by armplay"):
            load_encoder(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_importing_the_learner_loads_nothing_until_it_is_needed() -> None:
    run_python(
        "import sys, learner\n"
        "heavy = {'torch', 'sklearn', 'gymnasium'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert set(learner.__all__) <= set(dir(learner))\n"
    )
    assert all(getattr(learner, name).__module__.startswith("learner.") for name in set(learner.__all__) - {"METHODS"})
    assert learner.load_encoder is load_encoder
    assert "simclr" in learner.METHODS
    assert not hasattr(learner, "load_decoder")
