"""What features say besides the category: viewpoint, action, time and pose. Pure functions of frozen features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learner.protocols.bootstrap import Interval, check_level, instance_weights, percentiles
from learner.protocols.few_shot import unit
from learner.protocols.select import angle_between
from sim.errors import InputError

SIMILARITIES_AT_ONCE = 1 << 22
"""Bound on the block of similarities that is held: 32 MiB."""
POLE = 1.0
"""Degrees from above or below within which an azimuth means nothing."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """How alike features of different objects of a category are, by how different their viewpoints are."""

    edges: np.ndarray
    """float64 [K+1] degrees: bins of the difference, from 0 to 180."""
    cosine: np.ndarray
    """float64 [K]: mean cosine similarity in each bin; NaN where no pair falls into it."""
    ratio: Interval
    """Mean cosine similarity at equal viewpoints (the first bin) over that at all others: above 1 where viewpoints of
    different objects line up. The interval is by bootstrap over objects."""


def viewpoint_alignment(
    features: np.ndarray,
    labels: np.ndarray,
    instances: np.ndarray,
    view: np.ndarray,
    *,
    rng: np.random.Generator,
    width: float = 10.0,
    level: float = 0.95,
    draws: int = 2000,
) -> Alignment:
    """Compare frames [N, F] of different instances int [N] of the same category int [N]; `view` float64 [N, 2] degrees.

    The difference of two viewpoints is the angle between the directions from which they look, in bins of `width`
    degrees; where no polar angle is known, all are taken for horizontal. Every pair counts as much. Raises InputError
    where azimuths are not known, for a width that does not divide 180, or where no equal or no unequal viewpoints meet.
    """
    check_level(level, draws)
    bins = round(180 / width) if width > 0 else 0
    if bins < 2 or abs(bins * width - 180) > 1e-6:
        raise InputError(f"width={width}: degrees that divide 180 twice or more are needed, or bins are not equal")
    met = _compare(unit(features), labels, instances, _directions(view), bins, width)
    if not met.counts[0] or not met.counts[1:].any():
        missing = "unequal" if met.counts[0] else "equal"
        raise InputError(f"width={width}: no two objects of a category meet at {missing} viewpoints")
    redrawn = np.concatenate([met.ratio(weights) for weights in instance_weights(met.instances, draws, rng)])
    with np.errstate(invalid="ignore"):
        cosine = met.sums / met.counts
    ratio = percentiles(float(met.ratio(np.ones((1, met.instances)))[0]), redrawn[np.isfinite(redrawn)], level)
    return Alignment(np.linspace(0, 180, bins + 1), cosine, ratio)


class _Met(NamedTuple):
    """Pairs of frames of different instances of a category."""

    sums: np.ndarray
    """[bins]: of their cosines."""
    counts: np.ndarray
    """[bins]."""
    instances: int
    of_category: list[tuple[np.ndarray, np.ndarray]]
    """Of each category its instances, int64 [n], and for pairs of them, [4, n, n]: sum and number of equal viewpoints,
    sum and number of others."""

    def ratio(self, weights: np.ndarray) -> np.ndarray:
        """Mean cosine of equal viewpoints over that of others [b], where instances count `weights` [b, I] times."""
        totals = np.zeros((4, len(weights)))
        for members, pairs in self.of_category:
            own = weights[:, members]
            totals += ((own @ pairs) * own).sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (totals[0] / totals[1]) / (totals[2] / totals[3])


def _compare(
    rows: np.ndarray, labels: np.ndarray, instances: np.ndarray, directions: np.ndarray, bins: int, width: float
) -> _Met:
    names, first, group = np.unique(instances, return_index=True, return_inverse=True)
    found = _Met(np.zeros(bins), np.zeros(bins), len(names), [])
    for label in np.unique(labels[first]):
        members = np.flatnonzero(labels[first] == label)
        frames = np.flatnonzero(np.isin(group, members))
        owner = np.searchsorted(members, group[frames])
        pairs = np.zeros((4, len(members), len(members)))
        for one in range(len(members)):
            own = np.flatnonzero(owner == one)
            for part in np.array_split(own, -(-len(own) * len(frames) // SIMILARITIES_AT_ONCE)):
                angle = np.degrees(np.arccos(np.clip(directions[frames[part]] @ directions[frames].T, -1, 1)))
                # Arc cosines are off by up to 1e-6 degrees where directions agree.
                near = np.minimum((angle + 1e-5) // width, bins - 1).astype(np.int64)
                cosine = rows[frames[part]] @ rows[frames].T
                sums, counts = _by_owner(owner, near, cosine, len(members), bins)
                sums[one], counts[one] = 0, 0  # an instance is not compared with itself
                found.sums[:] += sums.sum(axis=0)
                found.counts[:] += counts.sum(axis=0)
                pairs[:, one] += sums[:, 0], counts[:, 0], sums[:, 1:].sum(axis=1), counts[:, 1:].sum(axis=1)
        found.of_category.append((members, pairs))
    return found


def _by_owner(
    owner: np.ndarray, near: np.ndarray, cosine: np.ndarray, owners: int, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sums and numbers [owners, bins] of cosines [P, n] in bins [P, n], where frame n is of `owner` [n]."""
    cell = (owner * bins + near).ravel()
    sums = np.bincount(cell, weights=cosine.ravel(), minlength=owners * bins)
    return sums.reshape(owners, bins), np.bincount(cell, minlength=owners * bins).reshape(owners, bins)


def _directions(view: np.ndarray) -> np.ndarray:
    """Unit vectors [N, 3] towards the camera."""
    if np.isnan(view[:, 1]).any():
        raise InputError("view=nan: azimuths are not known, so viewpoints cannot be compared")
    polar, azimuth = np.radians(np.where(np.isnan(view[:, 0]), 90.0, view[:, 0])), np.radians(view[:, 1])
    flat = np.sin(polar)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.cos(polar)], axis=1)


@dataclass(frozen=True)
class Coherence:
    """Mean cosine similarities of two frames."""

    neighbours: float
    """Of one frame and the next of its clip."""
    same_clip: float
    """Of two different frames of a clip."""
    different_clips: float


def temporal_coherence(features: np.ndarray, clip: np.ndarray) -> Coherence:
    """How much closer in time means closer in features [N, F], in the order of clips and in each in that of time.

    Means are over all such pairs, not over a sample; each clip counts as much as another, whatever its length, but in
    `different_clips`, where each pair does. Clips of one frame have no neighbours. Raises InputError for fewer than 2
    clips, or none of 2 frames.
    """
    rows = unit(features.astype(np.float64))
    starts = np.flatnonzero(np.diff(clip, prepend=clip[:1] - 1))
    lengths = np.diff(starts, append=len(clip))
    if len(lengths) < 2 or lengths.max() < 2:
        raise InputError(f"clips={len(lengths)}: at least 2 are needed, one of them of 2 frames or more")
    sums, squares = np.add.reduceat(rows, starts), np.add.reduceat(np.einsum("nf,nf->n", rows, rows), starts)
    within = np.square(sums).sum(axis=1)
    near = np.zeros(len(clip))
    near[:-1] = np.einsum("nf,nf->n", rows[:-1], rows[1:]) * (clip[:-1] == clip[1:])
    long = lengths > 1
    # |sum of unit vectors|^2 is the sum of the cosines of all ordered pairs, each with itself too.
    apart = np.square(sums.sum(axis=0)).sum() - within.sum()
    return Coherence(
        neighbours=float((np.add.reduceat(near, starts)[long] / (lengths[long] - 1)).mean()),
        same_clip=float(((within - squares)[long] / (lengths * (lengths - 1))[long]).mean()),
        different_clips=float(apart / (len(clip) ** 2 - np.square(lengths).sum())),
    )


@dataclass(frozen=True)
class Decoded:
    """How well one angle is read off features of objects that the regression has not seen."""

    r2: float
    """Share of the variance that is explained; for the azimuth the mean of its sine's and its cosine's."""
    median_error: float
    """Degrees; for the azimuth, guesses are off by 90."""


def decode_pose(
    features: np.ndarray, view: np.ndarray, queries: np.ndarray, query_view: np.ndarray, *, penalty: float = 1.0
) -> dict[str, Decoded]:
    """Ridge regression of (sin, cos) of the azimuth, and of the polar angle, on standardised features [M, F].

    Fitted on `view` float64 [M, 2] degrees, scored on `query_view` [Q, 2] of `queries` [Q, F], which are to be of other
    objects. Under `azimuth` and `polar`; an angle that is not known, or does not vary, is left out. Frames from
    straight above or below have no azimuth. `penalty` is scikit-learn's alpha.
    """
    found = {}
    train, test = _has_azimuth(view), _has_azimuth(query_view)
    if _varies(view[train, 1]) and _varies(query_view[test, 1]):
        true = _circle(query_view[test, 1])
        told = _ridge(features[train], _circle(view[train, 1]), queries[test], penalty)
        error = angle_between(np.degrees(np.arctan2(told[:, 0], told[:, 1])), query_view[test, 1])
        found["azimuth"] = Decoded(float(r2_score(true, told)), float(np.median(error)))
    train, test = (~np.isnan(angles[:, 0]) for angles in (view, query_view))
    if _varies(view[train, 0]) and _varies(query_view[test, 0]):
        told = _ridge(features[train], view[train, 0], queries[test], penalty)
        error = np.abs(told - query_view[test, 0])
        found["polar"] = Decoded(float(r2_score(query_view[test, 0], told)), float(np.median(error)))
    return found


def _ridge(features: np.ndarray, targets: np.ndarray, queries: np.ndarray, penalty: float) -> np.ndarray:
    # In float32, more features than frames are ill-conditioned.
    known, asked = (rows.astype(np.float64) for rows in (features, queries))
    return make_pipeline(StandardScaler(), Ridge(alpha=penalty)).fit(known, targets).predict(asked)


def _has_azimuth(view: np.ndarray) -> np.ndarray:
    polar = np.where(np.isnan(view[:, 0]), 90.0, view[:, 0])
    return ~np.isnan(view[:, 1]) & (polar >= POLE) & (polar <= 180 - POLE)


def _circle(azimuth: np.ndarray) -> np.ndarray:
    """(sin, cos) [N, 2] of degrees."""
    return np.stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))], axis=1)


def _varies(angles: np.ndarray) -> bool:
    return len(angles) > 1 and float(np.ptp(angles)) > 0
