"""Encoders as folders: weights as safetensors, what they are as JSON, and a model card. Nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from agent.files import read_json, write_text, write_whole
from learner.card import card
from learner.encoders import Encoder, build_encoder
from sim.errors import InputError

FORMAT = "armplay-encoder"
VERSION = 1
WEIGHTS = "encoder.safetensors"
CONFIG = "config.json"
INPUT = "float32 [B, 3, H, W], RGB, (x / 255 - 0.5) / 0.5"


def export_encoder(folder: Path, encoder: Encoder, *, name: str, image_size: int, trained: dict[str, Any]) -> None:
    """Write `encoder.safetensors`, `config.json` and the card `README.md`: all that is needed to use the encoder.

    `trained` are JSON values that say how it came about: method, data, steps, seed, init (file and sha256 of starting
    weights) and scores (a list of representation, probe, accuracy and chance); the card shows what is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # It makes the folder an encoder: without it a kill leaves none there, and never a mix of the old and the new.
    (folder / CONFIG).unlink(missing_ok=True)
    weights = {key: tensor.detach().cpu().contiguous() for key, tensor in encoder.network.state_dict().items()}
    write_whole(folder / WEIGHTS, lambda file: file.write(save(weights)))
    config = {
        "format": FORMAT,
        "version": VERSION,
        "encoder": name,
        "features": encoder.features,
        "image_size": image_size,
        "input": INPUT,
        "trained": trained,
    }
    write_text(folder / "README.md", card(encoder, config))
    write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def load_encoder(path: Path | str) -> Encoder:
    """The encoder that was exported to the folder `path`, or to `encoder` within it where it is that of a run; in
    evaluation mode, on the CPU, its `image_size` that of the training. Raises InputError for a foreign folder."""
    folder = Path(path)
    if not (folder / CONFIG).exists() and (folder / "encoder").is_dir():
        folder = folder / "encoder"
    try:
        config = read_json(folder / CONFIG)
        if config.get("format") != FORMAT or not isinstance(config["encoder"], str):
            raise ValueError("another format")
        if config["version"] > VERSION:
            raise InputError(f"{folder}: version {config['version']}: at most {VERSION} is read here; update armplay")
        encoder = build_encoder(config["encoder"], seed=0, image_size=config["image_size"])
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            encoder.network.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"{path}: not an encoder exported by armplay; a run exports its own when it ends") from None
    except (
        OSError,
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise InputError(f"{folder}: not an encoder exported by armplay ({' '.join(str(error).split())})") from None
    return encoder.eval()
