"""A small FlatBuffers reader for untrusted files.

Every position, offset and length is checked against the file before it is used, and every byte that is
decoded is charged to a budget. The budget matters because a FlatBuffer may let many tables share one vector:
without it a small file could describe terabytes. The reader never follows a reference on its own, so a cyclic
offset cannot make it loop.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo.errors import ModelError

_U8 = struct.Struct("<B")
_I8 = struct.Struct("<b")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_U64 = struct.Struct("<Q")
_F32 = struct.Struct("<f")

# Sharing is rare in honest files (a zero bias used by several layers): a few times the file is generous.
_BUDGET_FACTOR = 8
_BUDGET_FLOOR = 1 << 20


class FlatBuffer:
    """The bytes of one file, read with bounds checks."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data = data
        self.size = len(data)
        self.source = source
        self._budget = _BUDGET_FACTOR * self.size + _BUDGET_FLOOR

    def damaged(self, what: str) -> ModelError:
        return ModelError(f"{self.source}: damaged file: {what}; download or export the model again")

    def check(self, position: int, length: int) -> None:
        """The `length` bytes at `position` lie in the file; they are charged to the budget."""
        if position < 0 or length < 0 or position + length > self.size:
            raise self.damaged(f"{length} bytes at offset {position} lie outside its {self.size} bytes")
        self._budget -= length
        if self._budget < 0:
            raise self.damaged("the same bytes are referred to again and again")

    def scalar(self, kind: struct.Struct, position: int) -> Any:
        self.check(position, kind.size)
        return kind.unpack_from(self.data, position)[0]

    def u8(self, position: int) -> int:
        return int(self.scalar(_U8, position))

    def i8(self, position: int) -> int:
        return int(self.scalar(_I8, position))

    def u16(self, position: int) -> int:
        return int(self.scalar(_U16, position))

    def u32(self, position: int) -> int:
        return int(self.scalar(_U32, position))

    def i32(self, position: int) -> int:
        return int(self.scalar(_I32, position))

    def u64(self, position: int) -> int:
        return int(self.scalar(_U64, position))

    def f32(self, position: int) -> float:
        return float(self.scalar(_F32, position))

    def indirect(self, position: int) -> int:
        """Target of the unsigned relative offset stored at `position`."""
        return position + self.u32(position)

    def array(self, position: int, count: int, dtype: str) -> npt.NDArray[Any]:
        """`count` little-endian numbers at `position`, without a copy where the machine allows it."""
        kind = np.dtype(dtype)
        self.check(position, count * kind.itemsize)
        values = np.frombuffer(self.data, dtype=kind, count=count, offset=position)
        return values.astype(kind.newbyteorder("="), copy=False)

    def root(self) -> Table:
        return Table(self, self.indirect(0))


class Table:
    """One table. Fields are named by their slot, the position of the field in the schema."""

    __slots__ = ("_position", "_vtable", "_vtable_size", "buffer")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        self.buffer = buffer
        self._position = position
        self._vtable = position - buffer.i32(position)
        self._vtable_size = buffer.u16(self._vtable)
        if self._vtable_size < 4 or self._vtable_size % 2:
            raise buffer.damaged(f"the table at offset {position} has {self._vtable_size} bytes of fields")
        buffer.check(self._vtable, self._vtable_size)

    def _field(self, slot: int) -> int | None:
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_size:
            return None
        offset = self.buffer.u16(self._vtable + entry)
        return self._position + offset if offset else None

    def has(self, slot: int) -> bool:
        return self._field(slot) is not None

    def u8(self, slot: int, default: int = 0) -> int:
        position = self._field(slot)
        return default if position is None else self.buffer.u8(position)

    def i8(self, slot: int, default: int = 0) -> int:
        position = self._field(slot)
        return default if position is None else self.buffer.i8(position)

    def u32(self, slot: int, default: int = 0) -> int:
        position = self._field(slot)
        return default if position is None else self.buffer.u32(position)

    def i32(self, slot: int, default: int = 0) -> int:
        position = self._field(slot)
        return default if position is None else self.buffer.i32(position)

    def u64(self, slot: int, default: int = 0) -> int:
        position = self._field(slot)
        return default if position is None else self.buffer.u64(position)

    def f32(self, slot: int, default: float = 0.0) -> float:
        position = self._field(slot)
        return default if position is None else self.buffer.f32(position)

    def table(self, slot: int) -> Table | None:
        position = self._field(slot)
        return None if position is None else Table(self.buffer, self.buffer.indirect(position))

    def _vector(self, slot: int) -> tuple[int, int]:
        """Position of the first element and number of elements; (0, 0) when the field is absent."""
        position = self._field(slot)
        if position is None:
            return 0, 0
        start = self.buffer.indirect(position)
        return start + 4, self.buffer.u32(start)

    def length(self, slot: int) -> int:
        return self._vector(slot)[1]

    def array(self, slot: int, dtype: str) -> npt.NDArray[Any]:
        start, count = self._vector(slot)
        return self.buffer.array(start, count, dtype)

    def span(self, slot: int) -> tuple[int, int]:
        """Position and length of a vector of bytes, checked but not read."""
        start, count = self._vector(slot)
        if start + count > self.buffer.size:
            raise self.buffer.damaged(f"{count} bytes at offset {start} lie outside the file")
        return start, count

    def text(self, slot: int, limit: int) -> str:
        start, count = self._vector(slot)
        count = min(count, limit)
        self.buffer.check(start, count)
        return self.buffer.data[start : start + count].decode("utf-8", errors="replace")

    def tables(self, slot: int, what: str, limit: int) -> list[Table]:
        start, count = self._vector(slot)
        if count > limit:
            raise self.buffer.damaged(f"{count} {what} (at most {limit} are read)")
        self.buffer.check(start, 4 * count)
        return [Table(self.buffer, self.buffer.indirect(start + 4 * i)) for i in range(count)]
