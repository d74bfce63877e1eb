"""How the learner fares while it learns: figures of one batch that need no labels, and what they mean in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F

from sim.errors import InputError

EARLY = 300
"""Steps in which only losses that are not finite are told: embeddings start out narrow, and terms above chance."""
COLLAPSED = 0.1
"""Standard deviation below which an embedding counts as collapsed: two images then have a cosine similarity of about
0.99, and over a temperature of 0.1 they differ by a tenth of a nat."""
FEW_DIMENSIONS = 0.05
"""Share of the possible effective rank below which features have collapsed to few dimensions (dimensional collapse,
arXiv 2110.09348). The small encoder on toys keeps above a fifth in batches of 128."""
ABOVE_CHANCE = 0.05
"""Nats above chance from which a term counts as worse than chance; means of ten batches stray by about as much."""
MANY_FALSE = 0.05
"""Share of false negatives worth a word: half of what ten equal classes have, where false negatives clearly cost
accuracy (CIFAR-10 in arXiv 2007.00224, figure 1)."""


def alignment(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of unit vectors of matched rows [N, D]: 0 where they agree, 2 where they are unrelated.

    Wang and Isola 2020 (arXiv 2005.10242), section 4.1, with alpha 2.
    """
    return (_unit(first) - _unit(second)).square().sum(dim=1).mean()


def uniformity(embeddings: torch.Tensor, *, t: float = 2.0) -> torch.Tensor:
    """Log of the mean Gaussian potential exp(-t d^2) over all pairs of unit vectors of [N, D], N at least 2.

    0 where all rows agree; down to about -2t where they are spread over the sphere. Wang and Isola 2020 (arXiv
    2005.10242), section 4.1.
    """
    _check_rows(embeddings)
    return F.pdist(_unit(embeddings)).square().mul(-t).exp().mean().log()


def embedding_std(embeddings: torch.Tensor) -> torch.Tensor:
    """Standard deviation of unit vectors of [N, D] over rows, mean over dimensions, times sqrt(D); N at least 2.

    1 where they are spread evenly over the sphere, 0 where all agree (SimSiam, arXiv 2011.10566, section 4.1).
    """
    _check_rows(embeddings)
    return _unit(embeddings).std(dim=0, correction=0).mean() * math.sqrt(embeddings.shape[1])


def effective_rank(features: torch.Tensor) -> torch.Tensor:
    """Exponential of the entropy of the singular values of [N, F]: from 1 to min(N, F); NaN where one is not finite.

    RankMe (arXiv 2210.02885), equation 2. As in the paper features are not centred, so that a large mean lowers it.
    On CUDA it is the one figure here that waits for the device, as torch's singular values do.
    """
    finite = features.isfinite().all()
    # LAPACK raises on what is not finite.
    values = torch.linalg.svdvals(torch.where(finite, _precise(features), 0.0))
    shares = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny) + 1e-7
    return torch.where(finite, torch.exp(-(shares * shares.log()).sum()), math.nan)


def retrieval_top1(actions: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Share of rows of `actions` [N, D] whose own row of `pairs` [N, D] is nearest by cosine similarity.

    Of k pairs that are equally near, each counts 1/k, as if one were drawn: collapsed embeddings score chance, 1/N.
    """
    with torch.autocast(actions.device.type, enabled=False):
        similarity = _unit(actions) @ _unit(pairs).T
    own = similarity.diagonal()[:, None]
    nearest = (similarity <= own).all(dim=1)
    return (nearest / (similarity == own).sum(dim=1)).mean()


def false_negatives(instances: torch.Tensor) -> torch.Tensor:
    """Share of the negatives of a batch of instances int [N] that show the anchor's own object; 0 where N is 1."""
    ordered = instances.sort().values
    alike = torch.searchsorted(ordered, ordered, right=True) - torch.searchsorted(ordered, ordered)
    return (alike - 1).sum() / max(1, len(instances) * (len(instances) - 1))


def health(
    projections: tuple[torch.Tensor, torch.Tensor],
    features: torch.Tensor,
    matched: tuple[torch.Tensor, torch.Tensor] | None,
    instances: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The figures of one batch under the names of the log: scalars on its device.

    Of projections [N, D] of both views the first is measured where one is enough; `features` [N, F] are of the first
    view; `matched` are the embeddings [N, E] of actions and of pairs, where the method has them.
    """
    figures = {
        "health/alignment": alignment(*projections),
        "health/uniformity": uniformity(projections[0]),
        "health/std": embedding_std(projections[0]),
        "health/rank": effective_rank(features),
        "buffer/false_negatives": false_negatives(instances),
    }
    if matched is not None:
        found = retrieval_top1(*matched)
        figures["health/retrieval_top1"] = found
        figures["health/retrieval_top1_chance"] = torch.full_like(found, 1 / len(matched[0]))
    return figures


def diagnose(row: Mapping[str, float], *, width: int) -> list[str]:
    """What is wrong with the learner, a sentence each, by a row of the history; nothing where all is well.

    `row` has `step`, and of the losses and the names of `health` those that were logged. `width` is the largest
    effective rank that could be seen: the smaller of batch and feature width.
    """
    lost = [name for name, value in row.items() if name.split("/")[0] == "loss" and not math.isfinite(value)]
    if lost:
        return [f"{lost[0]} is {row[lost[0]]}: nothing is learned any more; start again with a lower --learning-rate"]
    if row["step"] < EARLY:
        return []
    return [*_collapse(row, width), *_beside_chance(row), *_same_objects(row)]


def _collapse(row: Mapping[str, float], width: int) -> Iterator[str]:
    spread, rank = row.get("health/std", math.inf), row.get("health/rank", math.inf)
    if spread < COLLAPSED:
        yield (
            f"the embedding has collapsed: its standard deviation is {spread:.2g} (1 is spread out, below {COLLAPSED} "
            "all images look alike to it); try a lower --learning-rate"
        )
    if rank < FEW_DIMENSIONS * width:
        yield (
            f"dimensional collapse: the effective rank of the features is {rank:.0f} of {width}; "
            "try weaker augmentation or a lower --learning-rate"
        )


def _beside_chance(row: Mapping[str, float]) -> Iterator[str]:
    """Terms of the loss above chance, and actions that find their pairs no better than guesses."""
    for name in row:
        loss, chance = row[name], row.get(f"{name}_chance", math.inf)
        if name.startswith("loss/") and loss > chance + ABOVE_CHANCE:
            term = name.partition("/")[2]
            advice = "try a lower --learning-rate"
            if term == "action":
                advice = "it may hold the instance term back; see --negatives across, --action-warmup"
            yield (
                f"the {term} loss ({loss:.2f}) is above that of chance ({chance:.2f}), worse than knowing nothing: "
                f"{advice}"
            )
    # One batch finds few pairs either way: where the loss can be compared with chance, it says more.
    found, guessed = (row.get(f"health/retrieval_top1{end}", math.nan) for end in ("", "_chance"))
    if found <= guessed and "loss/action_chance" not in row:
        yield (
            f"an action finds its own pair in {100 * found:.1f} % of cases, a guess in {100 * guessed:.1f} %: "
            "the action term is not learned yet"
        )


def _same_objects(row: Mapping[str, float]) -> Iterator[str]:
    share = row.get("buffer/false_negatives", 0.0)
    if share >= MANY_FALSE:
        yield (
            f"{100 * share:.0f} % of negatives show the same object: views of one object are pushed apart; "
            "play with more objects, see --instances-per-category"
        )


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return F.normalize(_precise(rows), dim=1)


def _precise(rows: torch.Tensor) -> torch.Tensor:
    """In float32 at least: 16 bits cannot tell nearly equal unit vectors apart."""
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def _check_rows(rows: torch.Tensor) -> None:
    if len(rows) < 2:
        raise InputError(f"batch={len(rows)}: at least 2 rows are needed, or nothing can be spread")
