"""Shape, indexing, text and numpy's protocols of arrays of intervals."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo._core import interval as core
from gonogo.interval._numbers import Floats, contiguous
from gonogo.interval._operations import Operations
from gonogo.interval._scalar import Interval

if TYPE_CHECKING:
    from typing_extensions import Self

_SHOWN = 100  # elements in a text


class Shaped(Operations):
    """Two arrays of ends that are reshaped and indexed together."""

    __slots__ = ()
    _lo: Floats
    _hi: Floats

    @classmethod
    @abstractmethod
    def _made(cls, ends: tuple[Floats, Floats]) -> Self: ...

    def _each(self, lower: Any, upper: Any) -> Self:
        return self._made((contiguous(lower), contiguous(upper)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent of every dimension."""
        return self._lo.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._lo.ndim

    @property
    def size(self) -> int:
        """Number of intervals."""
        return self._lo.size

    @property
    def T(self) -> Self:  # noqa: N802
        """The dimensions in reverse order."""
        return self._each(self._lo.T, self._hi.T)

    def reshape(self, *shape: Any) -> Self:
        """The same intervals in another shape."""
        return self._each(self._lo.reshape(*shape), self._hi.reshape(*shape))

    def ravel(self) -> Self:
        """The same intervals in one dimension."""
        return self.reshape(-1)

    def transpose(self, *axes: Any) -> Self:
        """The dimensions in another order."""
        return self._each(self._lo.transpose(*axes), self._hi.transpose(*axes))

    def __len__(self) -> int:
        return len(self._lo)

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]

    def __getitem__(self, index: Any) -> Any:
        """As numpy's: an Interval for a single element, else an array of intervals."""
        lower, upper = self._lo[index], self._hi[index]
        if isinstance(lower, np.ndarray):
            return self._each(lower, upper)
        return Interval._made((float(lower), float(upper)))

    def __str__(self) -> str:
        if self.size > _SHOWN:
            return f"<{self.size} intervals of shape {self.shape}>"
        texts = np.array(
            [
                core.text(a, b)
                for a, b in zip(self._lo.ravel().tolist(), self._hi.ravel().tolist(), strict=True)
            ],
            dtype=object,
        ).reshape(self.shape)
        return np.array2string(texts, formatter={"all": str})

    def __repr__(self) -> str:
        if self.size > _SHOWN:
            return f"<{type(self).__name__} of shape {self.shape}>"
        texts = [
            core.text(a, b) for a, b in zip(self._lo.ravel().tolist(), self._hi.ravel().tolist(), strict=True)
        ]
        nested = (
            np.array(texts, dtype=object).reshape(self.shape).tolist() if self.size else self._lo.tolist()
        )
        return f"{type(self).__name__}({nested!r})"

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        raise TypeError("intervals aren't numbers; use lower, upper or mid")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        from gonogo.interval._ufuncs import dispatch

        return dispatch(ufunc, method, inputs, options)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._lo, self._hi)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an array of intervals never changes")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an array of intervals never changes")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
