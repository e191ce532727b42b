// A float graph as a fixed-point device computes it: exact at a point, enclosed over a box, all in integers.
//
// Every operator forms its exact real-valued result from the integers it reads, its activation included, and rounds it
// once into the word of its output, where it saturates. Operators that only pick elements (moves, max pooling, clamps)
// keep their input's word. Weights and other constants are rounded into their words beforehand, and saturate. What is
// rounded twice, or in another place, isn't this arithmetic.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/semantics/fixed_point.hpp"

#include "ops/affine.hpp"
#include "ops/common.hpp"
#include "semantics/fixed_map.hpp"

namespace gonogo {

// The integers lo..hi, each standing for n 2^-fraction.
struct FixedGrid {
    int fraction = 0;
    std::int64_t lo = 0, hi = 0;

    double value(std::int64_t n) const;  // exact up to 53 bits, which a word has at most
};

struct FixedRange {
    std::vector<std::int64_t> lo, hi;
};
// Sums that 63 bits may not hold.
struct WideRange {
    std::vector<Int128> lo, hi;
};

// What sums may reach at most: in 64 bits, and in 128.
inline constexpr double most_reach = 0x1p62, most_wide_reach = 0x1p120;
// Sums of at most 2^40 bounds in round to nearest are off by less than this factor.
inline constexpr double reach_slack = 1.001;

// Integers per operand, exact results as numbers n / (divisor 2^fraction).
struct FixedKernel {
    // One of the two, or neither.
    std::function<void(std::span<const FixedRange* const> in, FixedRange& out)> run;
    std::function<void(std::span<const FixedRange* const> in, WideRange& out)> run_wide;
    int fraction = 0;
    double reach = 0.0;                 // upper bound on any |n| that is formed
    std::vector<std::int64_t> divisor;  // by output element; empty: 1
    // Every result is one of the integers read, of this range.
    bool picks = false;
    std::int64_t least = 0, most = 0;
};

class FixedProgram {
  public:
    // Throws UnsupportedOperatorError and UnsupportedTypeError for what has no fixed-point rule, OverflowRiskError for
    // accumulators beyond 120 bits, or 62 bits but for affine nodes, QuantizationError for words that make no sense.
    FixedProgram(std::shared_ptr<const Graph> graph, FixedPoint format);

    const Graph& graph() const { return *graph_; }
    const FixedPoint& format() const { return format_; }
    const FixedGrid& grid(TensorId t) const { return grids_[static_cast<std::size_t>(t)]; }

    // computed - exact lies in [-below, above] before the clamp, which is that of activation and word together.
    struct Step {
        FixedKernel kernel;  // without `run` and `run_wide`: the node is left out
        double below = 0.0, above = 0.0;
        std::int64_t least = 0, most = 0;  // integers after activation and saturation
        // What cuts the rounded result: the activation and the word; of a clamp node, the word.
        RealClamp clamp{};
    };
    const Step& step(NodeId node) const { return steps_[static_cast<std::size_t>(node)]; }
    // Of an affine node, with what it multiplies with and adds.
    AffineMap map(const NodeView& view) const;
    std::vector<double> constant(const NodeView& view, const Tensor& tensor) const;

    // What the device reads: the integers for all x in [lo, hi], or BoxError when there are none.
    FixedRange read(std::size_t k, std::span<const double> lo, std::span<const double> hi) const;
    // All tensors' integers over a box; a box of single integers gives what the device computes, bit for bit. Throws
    // OverflowRiskError where a word that wraps may be left.
    void run(std::vector<FixedRange> inputs, std::vector<FixedRange>& values) const;

    // The widest accumulator: bits with sign, and the node.
    int accumulator_bits() const { return accumulator_bits_; }
    const std::string& widest() const { return widest_; }

  private:
    const FixedLayer& layer(const NodeView& view) const;
    FixedWord constant_word(const NodeView& view) const;
    FixedKernel kernel(const NodeView& view);
    FixedKernel affine(const NodeView& view) const;
    FixedKernel binary(const NodeView& view) const;
    FixedKernel move(const NodeView& view) const;
    void prepare(const NodeView& view);
    // Rounds, cuts, and checks words that wrap.
    template <class Integer>
    std::int64_t finished(const NodeView& view, const Step& step, std::size_t i, Integer n,
                          const std::optional<FixedGrid>& word) const;
    std::optional<FixedGrid> wrapping_word(const NodeView& view, const Step& step) const;

    struct Operand {
        FixedGrid grid;
        std::vector<std::int64_t> constant;  // empty: a variable
    };
    Operand operand(const NodeView& view, std::size_t k) const;

    std::shared_ptr<const Graph> graph_;
    FixedPoint format_;
    std::vector<FixedGrid> grids_;  // by tensor
    std::vector<Step> steps_;       // by node
    int accumulator_bits_ = 0;
    std::string widest_;
};

// ---- words

FixedGrid grid_of(const FixedWord& word);
// n / d rounded, d > 0; of 64 or 128 bits.
template <class Integer>
Integer rounded_quotient(Integer n, Integer d, FixedRounding rounding);
// (x + rest) 2^fraction rounded and cut to [lo, hi]; |rest| is at most half an ulp of x, both exact.
std::int64_t rounded_real(double x, double rest, const FixedGrid& grid, FixedRounding rounding);

}  // namespace gonogo
