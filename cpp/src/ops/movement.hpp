// Operators that only move elements: each output element is one input element or a fill value.
#pragma once

#include <cstdint>
#include <vector>

#include "gonogo/ops/record.hpp"

namespace gonogo {

struct Movement {
    // Source of output element o: input number and element there; input -1 stands for the fill value.
    struct Source {
        std::int32_t input;
        std::int64_t element;
    };
    bool plain = false;  // output o is element o of input 0
    std::vector<Source> sources;
    double fill = 0.0;

    Source source(std::size_t o) const { return plain ? Source{0, static_cast<std::int64_t>(o)} : sources[o]; }
};

// For identity, reshape, transpose, concat, pad and strided_slice nodes with concrete shapes.
Movement movement_of(const NodeView& view);

}  // namespace gonogo
