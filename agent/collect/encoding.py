"""Episodes whose pictures are encoded where they are played: whoever stores them has other things to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.collect.engine import Make, Play
from agent.encoding import check_format, encode
from agent.episode import Episode, Interest


@dataclass(frozen=True)
class Encoding:
    """Makes what `make` makes, and its episodes have `encoded`, in that image format. Raises InputError for one that is
    not known."""

    make: Make
    image_format: str

    def __post_init__(self) -> None:
        check_format(self.image_format)

    def __call__(self) -> EncodingPlay:
        return EncodingPlay(self.make(), self.image_format)


class EncodingPlay:
    """Plays, then encodes."""

    def __init__(self, play: Play, image_format: str) -> None:
        self._play, self._format = play, image_format

    def __call__(self, *order: int | Interest) -> Episode:
        episode = self._play(*order)
        return episode._replace(encoded=encode(episode, self._format))

    def close(self) -> None:
        close: Any = getattr(self._play, "close", None)
        if close is not None:
            close()
