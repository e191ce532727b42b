// Witness search: concrete inputs at which the deployed network really differs from the reference.
#pragma once

#include <cstdint>
#include <memory>
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
    std::span<const std::int64_t> elements = {};        // of the first target: no others are wanted; empty: all
    double multiplies = 1.0;                            // work of one evaluation, to count slopes by
};

// Starts, corners that the linear bounds point to, walks to where the device's rounding adds up, then climbs along the
// slopes for every element and sign that the budget allows, worst bounds first. Budgets are in evaluations, slopes
// included; the same seed and budgets give the same result. Every value is |v - r| with v the exact evaluation on the
// device and r a rigorous enclosure of the reference at that very input, rounded towards zero.
class Search {
  public:
    Search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
           std::span<const Target> targets, const Lead& lead, std::int64_t evaluations, std::uint64_t seed);
    ~Search();
    Search(const Search&) = delete;
    Search& operator=(const Search&) = delete;

    // Goes on for so many evaluations more.
    void more(std::int64_t evaluations);
    // The best of all that was tried.
    SearchResult result() const;

  private:
    class Run;
    std::unique_ptr<Run> run_;
};

}  // namespace gonogo::joint
