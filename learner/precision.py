"""In which number format the encoder runs: bfloat16 where that is faster. Heads, losses and updates stay in float32."""

from __future__ import annotations

import time
from typing import Literal

import torch

from learner.encoders import build_encoder

Precision = Literal["auto", "float32", "bfloat16"]
TRIAL_IMAGES = 64
TRIAL_ROUNDS = 3
CLEARLY = 0.85
"""bfloat16 is chosen when it takes less than this share of float32's time: a tie is not worth its rounding."""


def choose_precision(encoder: str, image_size: int, *, device: str) -> Precision:
    """`bfloat16` on CUDA; on a CPU whichever is faster in a trial of a second or two."""
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    network = build_encoder(encoder, seed=0, image_size=image_size).train()
    images = torch.zeros(TRIAL_IMAGES, 3, image_size, image_size)
    least = {True: float("inf"), False: float("inf")}
    for _ in range(1 + TRIAL_ROUNDS):  # the first round compiles kernels and rarely counts
        for half in least:
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                features = network(images)
            features.float().sum().backward()
            least[half] = min(least[half], time.perf_counter() - start)
    return "bfloat16" if least[True] < CLEARLY * least[False] else "float32"
