"""What can be asked of one interval or of every element of an array, and of two of them as sets."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Relations(Generic[Answer]):
    """Questions with an answer for all sets, the empty one included: bool, or an array of them.

    The other operand is an interval, an array, or numbers that are float64 numbers: any other number would be rounded
    outward first, and the answer would be about its neighbours. IntervalError then.
    """

    __slots__ = ()

    @abstractmethod
    def _state(self, name: str) -> Answer: ...

    @abstractmethod
    def _relation(self, name: str, other: Any) -> Answer: ...

    def is_empty(self) -> Answer:
        """No number at all."""
        return self._state("is_empty")

    def is_entire(self) -> Answer:
        """All real numbers."""
        return self._state("is_entire")

    def is_common(self) -> Answer:
        """Bounded and not empty."""
        return self._state("is_common")

    def is_singleton(self) -> Answer:
        """Exactly one number."""
        return self._state("is_singleton")

    def equal(self, other: Any) -> Answer:
        """The same set."""
        return self._relation("equal", other)

    def subset(self, other: Any) -> Answer:
        """Every number here is in `other`."""
        return self._relation("subset", other)

    def interior(self, other: Any) -> Answer:
        """Every number here is in the interior of `other`."""
        return self._relation("interior", other)

    def disjoint(self, other: Any) -> Answer:
        """No number is in both."""
        return self._relation("disjoint", other)

    def less(self, other: Any) -> Answer:
        """Each end is <= that of `other` (IEEE 1788's `less`)."""
        return self._relation("less", other)

    def strict_less(self, other: Any) -> Answer:
        """Each end is < that of `other`, or unbounded like it (IEEE 1788's `strictLess`)."""
        return self._relation("strict_less", other)

    def precedes(self, other: Any) -> Answer:
        """Every number here is <= every number of `other`."""
        return self._relation("precedes", other)

    def strict_precedes(self, other: Any) -> Answer:
        """Every number here is < every number of `other`."""
        return self._relation("strict_precedes", other)

    certainly_less = strict_precedes
    certainly_less_equal = precedes
