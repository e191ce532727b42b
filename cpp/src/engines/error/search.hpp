// Witness search: concrete inputs at which the deployed network really differs from the reference.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gonogo/semantics/real.hpp"

#include "engines/error/trial.hpp"

namespace gonogo::joint {

// What the proof of the bounds leaves behind. It leads the search; no witness is believed because of it.
struct Lead {
    const Program& program;
    const linear::BoxState* lines = nullptr;            // linear bounds over the box, if there are any
    std::vector<std::span<const double>> lower, upper;  // of each target's differences
    double multiplies = 1.0;                            // work of one evaluation, to count slopes by
};

// Starts, corners that the linear bounds point to, then climbs along the slopes for every element and sign that the
// budget allows, worst bounds first. The budget is in evaluations, slopes included; the same seed gives the same
// result. Every value is |v - r| with v the exact evaluation on the device and r a rigorous enclosure of the reference
// at that very input, rounded towards zero.
SearchResult search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
                    std::span<const Target> targets, const Lead& lead, std::int64_t evaluations, std::uint64_t seed);

}  // namespace gonogo::joint
