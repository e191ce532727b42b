// Witness search: concrete inputs at which the deployed network really differs from the reference.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gonogo/semantics/real.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

struct Target {
    TensorId deployed;
    TensorId reference;
};

struct Witness {
    std::vector<double> value;  // guaranteed lower bound on the largest |difference|, per element
    double worst = 0.0;
    std::vector<std::vector<double>> input;  // where `worst` is reached, per model input
};

struct SearchResult {
    std::vector<Witness> witnesses;  // one per target
    std::int64_t evaluations = 0;
};

// Centre, corners, random points and a local search around the best point of each target, within a budget of
// evaluations; the same seed gives the same result. Every value is |v - r| with v the exact evaluation on the device
// and r a rigorous enclosure of the reference at that very input, rounded towards zero.
SearchResult search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
                    std::span<const Target> targets, std::int64_t evaluations, std::uint64_t seed);

}  // namespace gonogo::joint
