"""The lines and points that are shown: of an arm, and of an encoder's features."""

from __future__ import annotations

import numpy as np

from sim.kinematics import Chain, link_frames


def skeleton(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """Base, joints and hand of the arm, float32 [T, D + 2, 3] m in the base frame, for joint angles [T, D] rad."""
    frames = link_frames(chain, joints)
    hand = frames[:, -1] @ chain.hand_frame
    base = np.zeros((len(frames), 1, 3))
    return np.concatenate([base, frames[..., :3, 3], hand[:, None, :3, 3]], axis=1).astype(np.float32)


def flat_map(features: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """The first two principal components [N, 2] of features [N, F], each with a spread of 1; turned and mirrored to lie
    as near as may be to the map that was `before` (orthogonal Procrustes)."""
    centred = features.astype(np.float64) - features.mean(axis=0)
    found = np.linalg.svd(centred, full_matrices=False)[0][:, :2] * len(features) ** 0.5
    if before is None:
        return found
    left, _, right = np.linalg.svd(found.T @ before)
    return found @ left @ right
