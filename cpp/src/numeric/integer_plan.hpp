// What integer_plan.cpp prepares and integer_dot.cpp runs.
#pragma once

#include <cstdint>
#include <vector>

#include "gonogo/numeric/integer_dot.hpp"

#include "numeric/kernels/integer.hpp"
#include "numeric/windows.hpp"

namespace gonogo::numeric {

const IntegerKernels& integer_kernels_in_use();

// x modulo 2^32
inline std::int32_t wrapped(std::int64_t x) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
}

struct IntegerPlan {
    enum class Words : std::uint8_t { bytes, pairs, singles };

    ConvolutionShape s;
    const IntegerKernels& kernels = integer_kernels_in_use();
    WindowLayout layout{s, kernels.lanes};
    Words words = Words::pairs;
    std::int64_t per_word = 2;
    std::int64_t element = 2;  // bytes
    std::int32_t offset;       // what the image's elements are less than x
    std::int32_t padding;      // of the image
    std::vector<IntegerPiece> pieces;
    std::int64_t panel_words = 0;  // of a lane, in all pieces
    Aligned<char> weights;
    std::vector<std::int32_t> start;  // first value of every output channel's sum, with room for a panel

    IntegerPlan(const ConvolutionShape& shape, const std::int16_t* from, const WeightSteps& steps, std::int32_t lowest,
                std::int32_t zero, const std::int32_t* bias);
    void pack(const std::vector<const std::int16_t*>& channels, const std::vector<std::int64_t>& offsets);

    // image[...] = lo - offset, or hi - lo where hi isn't null
    template <class T>
    void fill(const std::int32_t* lo, const std::int32_t* hi, T* image) const;
    template <class T>
    void run(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least, std::int32_t* greatest) const;
    void run(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least, std::int32_t* greatest) const;

    std::int64_t row() const { return layout.image_w * layout.depth; }
    std::int64_t rows() const { return s.batch * layout.image_h; }
    std::int64_t panel_bytes() const { return panel_words * layout.panel * 4; }
};

}  // namespace gonogo::numeric
