// Which input elements each output element of a pool or a mean is made of.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"

#include "ops/window.hpp"

namespace gonogo {

struct Averaging {
    std::vector<std::int64_t> begin;  // output o reads elements[begin[o]] .. elements[begin[o + 1]]
    std::vector<std::int64_t> elements;
    std::vector<std::int64_t> divisor;  // one per output: the taps inside the input, or all with count_include_pad

    std::span<const std::int64_t> members(std::size_t o) const {
        return std::span(elements).subspan(static_cast<std::size_t>(begin[o]),
                                           static_cast<std::size_t>(begin[o + 1] - begin[o]));
    }
    // Encloses the average of every choice of elements in x's box.
    void apply(const IntervalTensor& x, IntervalTensor& y) const;
};

// For max_pool2d, average_pool2d, global_average_pool and mean nodes. Throws ShapeError for a window without elements.
Averaging averaging_of(const NodeView& view);

}  // namespace gonogo
