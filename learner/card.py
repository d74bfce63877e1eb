"""The model card of an exported encoder."""

from __future__ import annotations

from typing import Any

from learner.encoders import Encoder
from learner.encoders.resnet import ResNet
from learner.encoders.timm import PREFIX

HEAD = """---
library_name: armplay
pipeline_tag: image-feature-extraction
license: mit
tags: [self-supervised-learning, embodied-vision]
---

# {name}, trained by armplay

An image encoder that learned what kinds of things there are from pairs of views of an object and, where the method
uses it, from the action that lies between them (AA-SSL, arXiv 2407.06704).

{parameters:.1f} million parameters, {features} features, trained on images of {size}x{size} pixels.
"""

LOADING = """## How to load it

With armplay, in this folder:

```python
import numpy as np
import torch
from PIL import Image

from learner import load_encoder

encoder = load_encoder(".")
image = Image.open("image.png").convert("RGB").resize(({size}, {size}))
x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
features = encoder((x / 255 - 0.5) / 0.5)  # float32 [1, {features}]
```

Input: float32 [B, 3, {size}, {size}], RGB, in [-1, 1]: (x / 255 - 0.5) / 0.5 and nothing else.
Output: float32 [B, {features}].

{elsewhere}"""

ELSEWHERE = """Without armplay:

```python
import torch
import {package}
from safetensors.torch import load_file

model = {made}
model.load_state_dict(load_file("encoder.safetensors"))
model.eval()
```
"""

LICENCE = """## Licence

MIT, as armplay. Licences of the data and of starting weights (`init`), where they have any, apply too.
"""


def card(encoder: Encoder, config: dict[str, Any]) -> str:
    """The model card of an exported encoder, Markdown."""
    name, size, trained = config["encoder"], config["image_size"], config["trained"]
    parameters = sum(parameter.numel() for parameter in encoder.parameters()) / 1e6
    facts = {key: value for key, value in trained.items() if key != "scores"}
    if "init" in facts:
        facts["init"] = f"{facts['init']['file']}, SHA-256 {facts['init']['sha256']}"
    parts = [
        HEAD.format(name=name, features=encoder.features, parameters=parameters, size=size),
        "## How it was trained\n\n" + table(("", ""), list(facts.items())),
    ]
    if trained.get("scores"):
        rows = [
            (row["representation"], row["probe"], f"{100 * row['accuracy']:.1f} %", f"{100 * row['chance']:.1f} %")
            for row in trained["scores"]
        ]
        parts.append("## Accuracy on objects never seen\n\n" + table(("features", "probe", "accuracy", "chance"), rows))
    parts.append(LOADING.format(size=size, features=encoder.features, elsewhere=elsewhere(encoder, name, size)))
    return "\n".join([*parts, LICENCE])


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def elsewhere(encoder: Encoder, name: str, size: int) -> str:
    """How to load the weights without armplay."""
    if name.startswith(PREFIX):
        model = name.removeprefix(PREFIX)
        made = f'timm.create_model("{model}", num_classes=0)  # and img_size={size} for models of a fixed size'
        return ELSEWHERE.format(package="timm", made=made)
    if isinstance(encoder, ResNet):
        made = f"torchvision.models.{name}()\nmodel.fc = torch.nn.Identity()"
        return ELSEWHERE.format(package="torchvision", made=made)
    return "The network is the 30 lines of `learner/encoders/small.py`; they need torch, and nothing of the training.\n"
