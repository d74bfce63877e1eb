"""Which episode comes next, which is made again, and when one is given up."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from agent.collect.engine import Failure

HOPELESS = 3
"""Episodes given up before any was made: then it is not the episodes."""


class Work:
    """The numbers that are still to be made; those that were begun before go first.

    An episode is given up, and added to `failures`, when it has failed `attempts` times.
    """

    def __init__(self, numbers: Iterable[int], *, attempts: int, failures: list[Failure]) -> None:
        self._source = iter(numbers)
        self._waiting: deque[int] = deque()
        self._attempts, self._failures = attempts, failures
        self._failed: Counter[int] = Counter()
        self._given_up = 0
        self._made_any = False

    def holds(self, count: int) -> bool:
        """At least `count` numbers are left; reads no more of the numbers than that."""
        while len(self._waiting) < count:
            number = next(self._source, None)
            if number is None:
                return False
            self._waiting.append(number)
        return True

    def take(self) -> int:
        """The next number, where `holds(1)`."""
        return self._waiting.popleft()

    def made(self) -> None:
        """An episode was made."""
        self._made_any = True

    def failed(self, numbers: Iterable[int], reason: str) -> None:
        """A worker failed at the first of `numbers`; the others wait for another worker. Raises RuntimeError where
        no episode at all can be made."""
        number, *others = numbers
        self._failed[number] += 1
        again = [number, *others]
        if self._failed[number] >= self._attempts:
            again = others
            self._failures.append(Failure(number, self._failed[number], reason))
            self._given_up += 1
        self._waiting.extendleft(reversed(again))
        if self._given_up >= HOPELESS and not self._made_any:
            raise RuntimeError(
                f"{self._given_up} episodes failed {self._attempts} times each and none was made, so the rest was not "
                f"tried; episode {number} failed the last time with: {reason}"
            )
