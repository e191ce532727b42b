// A box of real tensors: element-wise closed intervals on binary64, C order. Never NaN; [-inf, inf] means "unbounded".
#pragma once

#include <vector>

#include "gonogo/tensor/shape.hpp"

namespace gonogo {

struct IntervalTensor {
    Shape shape;
    std::vector<double> lo;
    std::vector<double> hi;

    IntervalTensor() = default;
    explicit IntervalTensor(Shape s) : shape(std::move(s)) {
        const auto n = static_cast<std::size_t>(element_count(shape));
        lo.assign(n, 0.0);
        hi.assign(n, 0.0);
    }
    std::size_t size() const { return lo.size(); }
};

}  // namespace gonogo
