// Linear operators describe themselves once as an AffineMap; interval, joint and witness evaluation all apply that map.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/numeric/convolution.hpp"

#include "ops/window.hpp"

namespace gonogo {

// y = W * x + b over sliding windows (dense layers: one window per row). The true weights w* satisfy
// |w* - w| <= weight_uncertainty * |w|; the true bias lies in [bias_lo, bias_hi].
struct AffineMap {
    Window window;
    bool depthwise = false;
    std::int64_t groups = 1;
    // Full: [group][tap][in_c / groups][out_c / groups]. Depthwise: [tap][out_c], input channel = c / multiplier.
    std::vector<double> weights;
    double weight_uncertainty = 0.0;
    std::vector<double> bias_lo, bias_hi;  // one per output channel

    std::int64_t taps() const { return window.kernel_h * window.kernel_w; }
    std::int64_t terms() const { return taps() * (depthwise ? 1 : window.in_c / groups); }

    // The weights as the kernels of the instruction set in use want them. Whoever changes a map resets it.
    std::shared_ptr<const numeric::Convolution<double>> packed;
    // Makes `packed`: worth it for a map that is applied more than once.
    void pack();

    enum class Bias : std::uint8_t { with, without };
    // Encloses W x + b for all x in the box, all weights within their uncertainty and all biases in their intervals
    // (b = 0 without). Theorem: docs/soundness.md, "Affine maps over windows".
    void apply(const IntervalTensor& x, IntervalTensor& y, Bias bias = Bias::with) const;
};

// The map of a dense, conv2d, depthwise_conv2d or batch_norm node, from its constants (dequantised when quantised).
// A quantised node's bias has scale s_in * s_w, whatever scale the file declares: that is what the kernels compute.
AffineMap affine_map(const NodeView& view);

// The map with weights and bias a - b, its own rounding covered by its uncertainty, the operands' uncertainties left
// out: uncertainty() of each covers those. Both must have the same geometry.
AffineMap difference(const AffineMap& a, const AffineMap& b);

// Weights rho |w|, no bias: over inputs of magnitude at most m, the weights' uncertainty moves an output by at most
// what this map gives for m.
AffineMap uncertainty(const AffineMap& a);

// The map followed by y -> scale * y + shift per output channel, scale and shift being known to within intervals.
// Returns false, and leaves the map alone, when the scale of a channel may be zero or is unbounded.
bool compose_channels(AffineMap& map, std::span<const double> scale_lo, std::span<const double> scale_hi,
                      std::span<const double> shift_lo, std::span<const double> shift_hi);

// Geometry and layout agree, so that the two maps take and give tensors of the same meaning.
bool same_geometry(const AffineMap& a, const AffineMap& b);

}  // namespace gonogo
