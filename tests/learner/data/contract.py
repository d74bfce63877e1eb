"""What every dataset of images promises."""

from __future__ import annotations

import numpy as np

from learner.data import ImageData
from sim.objects.splits import SPLITS


def check(data: ImageData) -> None:
    """Shapes, types, orders and splits are those that `learner.data.base` describes; every image can be read."""
    owners: dict[int, tuple[str, int]] = {}
    for split in SPLITS:
        frames = data.frames(split)
        count = len(frames)
        for name in ("category", "instance", "clip"):
            assert getattr(frames, name).shape == (count,)
            assert getattr(frames, name).dtype == np.int64
        for array, shape in ((frames.time, (count,)), (frames.view, (count, 2))):
            assert array.shape == shape
            assert array.dtype == np.float64
        assert frames.motion.dtype == np.float64
        assert len(frames.motion) == count
        if not count:
            continue
        assert frames.clip[0] == 0
        assert set(np.diff(frames.clip)) <= {0, 1}
        assert (np.diff(frames.time)[np.diff(frames.clip) == 0] >= 0).all()
        for clip in range(frames.clip[-1] + 1):
            assert len(np.unique(frames.instance[frames.clip == clip])) == 1
        for category, instance in zip(frames.category.tolist(), frames.instance.tolist(), strict=True):
            assert owners.setdefault(instance, (split, category)) == (split, category)
        assert frames.category.max() < len(data.categories)
        known = ~np.isnan(frames.view)
        assert ((frames.view[:, 0] >= 0) & (frames.view[:, 0] <= 180))[known[:, 0]].all()
        assert ((frames.view[:, 1] >= 0) & (frames.view[:, 1] < 360))[known[:, 1]].all()
        if data.action:
            actions = data.action.compute(frames.motion, frames.motion[::-1])
            assert actions.shape == (count, data.action.size)
            assert np.isfinite(actions).all()
        rows = np.arange(count)[::-1]
        images = data.images(split, rows)
        assert images.shape == (count, data.image_size, data.image_size, 3)
        assert images.dtype == np.uint8
    assert len(set(data.instances)) == len(data.instances) == len(owners)
    assert list(data.categories) == sorted(set(data.categories))
