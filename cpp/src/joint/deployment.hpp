// What runs on the device, as far as bounds are concerned: the weights it multiplies with, what it rounds, where it
// saturates. One implementation per semantics; docs/soundness.md states what each assumes.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/ops/node_view.hpp"

#include "ops/affine.hpp"
#include "ops/common.hpp"

namespace gonogo::joint {

inline constexpr double unlimited = std::numeric_limits<double>::infinity();
inline constexpr RealClamp no_clamp{-unlimited, unlimited};

inline bool identity(RealClamp c) {
    return c.lo == -unlimited && c.hi == unlimited;
}

// Upper bounds on a node's exact results, on the sums of their terms' magnitudes, and on any element that it reads.
struct Sizes {
    std::span<const double> magnitude, mass;
    double operands;
};

// An upper bound on |computed - exact| for each element of a node's result before its clamp, in real units.
using Rounding = std::function<void(const Sizes& sizes, std::span<double> error)>;

inline Rounding constant_rounding(double error) {
    if (error == 0.0) return {};
    return [error](const Sizes&, std::span<double> out) { std::fill(out.begin(), out.end(), error); };
}

// Kernels that only pass numbers on.
inline bool moves(const NodeView& node) {
    return node.op().name == "reshape" || node.op().name == "identity";
}

// A result of the device at a point: between lo and hi, which are equal where it is computed exactly.
struct Enclosure {
    std::vector<double> lo, hi;
};

class Deployment {
  public:
    virtual ~Deployment() = default;

    virtual const Graph& graph() const = 0;

    // The map of an affine node with the weights and the bias that the device uses.
    virtual AffineMap map(const NodeView& node) const { return affine_map(node); }
    // The values of a constant operand of add, sub, mul and concat, likewise.
    virtual std::vector<double> constant(const NodeView& node, const Tensor& tensor) const {
        return real_values(node, tensor);
    }
    // Empty: the node rounds nothing.
    virtual Rounding rounding(const NodeView& node) const = 0;
    // exact + rounding and the limits of clamp() are multiples of this, or may be taken to be (Theorem 49); 0: not so.
    virtual double quantum(const NodeView&) const { return 0.0; }
    // The node computes as the reference does, without any of the above: for hypothetical networks.
    virtual bool exact(const NodeView&) const { return false; }
    // The device's result is clamp(exact + rounding).
    virtual RealClamp clamp(const NodeView& node) const = 0;
    // An unbounded rounding means that there may be no number at all, which no clamp mends.
    virtual bool may_overflow() const { return false; }

    // The device reads input k as clamp(gain x + rounding).
    struct Input {
        double gain_lo = 1.0, gain_hi = 1.0;
        Rounding rounding;
        RealClamp clamp = no_clamp;
    };
    virtual Input input(std::size_t k) const = 0;

    // [lo, hi] holds a number that input k can be.
    virtual bool admits(std::size_t, double, double) const { return true; }
    // Ranges of the deployed tensors' real values over a box that are known without linear bounds; tensors without
    // elements where nothing is known.
    virtual std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const = 0;

    // ---- for witnesses: what the device really computes

    // How many evaluations the semantics tells apart (kernels, orders of summation); each is one that it allows.
    virtual int variants() const { return 1; }
    // A number nearest to x, inside [lo, hi], that the device's input k can be given.
    virtual double settle(std::size_t k, double x, double lo, double hi) const = 0;
    // The step of the quantiser in front of input k; 0: none.
    virtual double input_step(std::size_t) const { return 0.0; }
    // Values of the tensors asked for at a point, in real units.
    virtual std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point,
                                            std::span<const TensorId> tensors, int variant) const = 0;

    // ---- for the report

    virtual std::vector<std::string> assumptions() const = 0;
};

}  // namespace gonogo::joint
