"""Writes docs/operators.md from the operator records: run it after changing a record."""

from __future__ import annotations

from pathlib import Path

from gonogo import _core

HEAD = """# Operators

Generated from the records in `cpp/src/ops` by `scripts/make_operator_table.py`; don't edit. An empty cell means that
the engine in question raises UnsupportedOperatorError for the operator. *real*: rigorous evaluation in real arithmetic.
*tflm*, *litert*, *litert_ref*, *xnnpack*, *ort*: integer kernels, bit for bit those of TFLite Micro, of LiteRT
(built-in, reference, default delegate) and of ONNX Runtime (docs/int8-semantics.md says under which conditions on types
and parameters); profile `any` covers all that a row names. *int16*: the same on int16 activations, in all of these but
*ort* (docs/int16-semantics.md). *joint*: the error bound cancels what both networks share.
Every operator has shape and work counts.

| operator | what it computes | ONNX | TFLite | real | tflm | litert | litert_ref | xnnpack | ort | int16 | joint |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def table() -> str:
    """The whole page."""
    rows = []
    for row in _core.operators():
        marks = [
            "yes" if row[key] else ""
            for key in ("real", "tflm", "litert", "litert_ref", "xnnpack", "ort", "int16", "joint")
        ]
        rows.append(
            "| " + " | ".join([row["name"], row["summary"], row["onnx"], row["tflite"], *marks]) + " |"
        )
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    path = Path(__file__).resolve().parent.parent / "docs" / "operators.md"
    path.write_text(table(), encoding="utf-8")
    print(f"wrote {path}")
