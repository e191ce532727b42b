// Kernels of exact integer convolutions. All sums are formed modulo 2^32 (Theorem 35 of docs/soundness.md).
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// Words of a window that follow each other. A word is 32 bits of the image: four uint8 or two int16 elements, or, in a
// depthwise convolution, one element as an int32 of 16 bits' size.
struct IntegerPiece {
    std::int64_t offset;  // bytes, from where the window starts
    std::int64_t words;
};

// Which weights count: all, max(w, 0), or min(w, 0). The range of sum w x over a box is sum w lo + sum min(w, 0)
// (hi - lo) to sum w lo + sum max(w, 0) (hi - lo).
enum class Weighted : std::int32_t { all, positive, negative };

struct IntegerStrip {
    const char* image;
    const std::int64_t* pixels;  // where each pixel's window starts, in elements
    std::int64_t element;        // bytes
    std::int64_t count;
    const IntegerPiece* pieces;
    std::int64_t piece_count;
    const char* weights;       // full: [word][vectors * lanes] words; depthwise: [tap][weight_step] int32
    std::int64_t weight_step;  // in lanes
    std::int64_t vectors;      // of output channels; full: 1 or 2
    Weighted weighted;
    std::int32_t* sums;  // [pixel][vectors * lanes], added to
};

struct IntegerKernels {
    std::int64_t lanes;
    void (*bytes)(const IntegerStrip& strip);  // uint8 x int8; null without VNNI
    void (*pairs)(const IntegerStrip& strip);  // int16 x int16
    void (*depthwise)(const IntegerStrip& strip);
    // to[i] = lo[i] - offset, or hi[i] - lo[i] where hi isn't null
    void (*to_uint8)(std::int64_t count, const std::int32_t* lo, const std::int32_t* hi, std::int32_t offset,
                     std::uint8_t* to);
    void (*to_int16)(std::int64_t count, const std::int32_t* lo, const std::int32_t* hi, std::int32_t offset,
                     std::int16_t* to);
    void (*to_int32)(std::int64_t count, const std::int32_t* lo, const std::int32_t* hi, std::int32_t offset,
                     std::int32_t* to);
};

extern const IntegerKernels integer_baseline, integer_avx2, integer_avx512, integer_vnni;

}  // namespace gonogo::numeric
