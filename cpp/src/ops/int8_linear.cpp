// Exact accumulators of the linear layers, for points and for boxes: the sums of numeric/integer_dot.hpp, which are
// exact (Theorems 34 and 35 of docs/soundness.md) because construction proves that every accumulator fits int32.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "gonogo/error.hpp"

#include "ops/int8_common.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::int8 {

void LinearLayer::load(const NodeView& node, std::int64_t channel_axis) {
    const Tensor& w = node.input(1);
    const ClampRange w_storage = storage_range(node, w);
    if (inputs() <= 0 || outputs() <= 0) throw ShapeError(node.message("a tensor has no elements"));
    if (node.input(0).elements() != inputs() || node.output().elements() != outputs()) {
        throw ShapeError(node.message("input " + to_string(node.input(0).dims) + ", weights " + to_string(w.dims) +
                                      " and output " + to_string(node.output().dims) + " don't fit together"));
    }
    if (!w.quantization) throw QuantizationError(node.message("the weights '" + w.name + "' have no scale"));
    const Quantization& q = *w.quantization;
    const auto fits = [&](std::size_t n) { return n == 1 || n == at(channels()); };
    if (!fits(q.scales.size()) || !fits(q.zero_points.size()) || (q.scales.size() > 1 && q.axis != channel_axis) ||
        q.blocked()) {
        throw QuantizationError(node.message(
            "the weights '" + w.name + "' must be quantised per tensor or along axis " + std::to_string(channel_axis)));
    }
    bias.assign(at(channels()), 0);
    if (node.has_input(2)) {
        bias = bias_integers(node, node.input(2));
        if (bias.size() != at(channels())) {
            throw ShapeError(node.message("the bias needs one value per output channel"));
        }
    }
    const std::vector<std::int32_t> values = constant_integers(node, w);
    weights.resize(values.size());
    masses.assign(at(channels()), 0);
    for (std::int64_t c = 0; c < channels(); ++c) {
        const std::int32_t zero = q.zero_point(c);
        if (zero < w_storage.lo || zero > w_storage.hi) {
            throw QuantizationError(node.message("the weights' zero point is outside their storage type"));
        }
        for (std::int64_t k = 0; k < taps; ++k) {
            const std::size_t i = at(depthwise ? k * channels() + c : c * taps + k);
            weights[i] = static_cast<std::int16_t>(values[i] - zero);
            masses[at(c)] += std::abs(weights[i]);
        }
    }
}

numeric::IntegerConvolution LinearLayer::sums(std::int32_t lowest, std::int32_t zero, const std::int32_t* start) const {
    const numeric::ConvolutionShape shape = convolution_shape(window, depthwise ? window.in_c : groups);
    const auto steps = depthwise ? numeric::WeightSteps::hwc(shape) : numeric::WeightSteps::ohwi(shape);
    return {shape, weights.data(), steps, lowest, zero, start};
}

LinearLayer LinearLayer::dense(const NodeView& node) {
    LinearLayer a;
    const Shape& w = node.input(1).dims;
    if (w.size() != 2 || w[0] < 1 || w[1] < 1) throw ShapeError(node.message("weights must be [outputs, inputs]"));
    a.window.batch = node.input(0).elements() / w[1];
    a.window.in_c = w[1];
    a.window.out_c = w[0];
    a.taps = w[1];
    a.load(node, 0);
    return a;
}

LinearLayer LinearLayer::conv2d(const NodeView& node) {
    LinearLayer a;
    const Shape& w = node.input(1).dims;
    a.window = window_of(node);
    a.groups = node.has("groups") ? node.integer("groups") : 1;
    const bool fits = w.size() == 4 && w[1] == a.window.kernel_h && w[2] == a.window.kernel_w && a.groups > 0 &&
                      w[0] == a.window.out_c && w[0] % a.groups == 0 && w[3] > 0 && a.window.in_c / w[3] == a.groups &&
                      a.window.in_c % w[3] == 0;
    if (!fits) throw ShapeError(node.message("weights " + to_string(w) + " don't fit the input and output channels"));
    a.taps = w[1] * w[2] * w[3];
    a.load(node, 0);
    return a;
}

LinearLayer LinearLayer::depthwise_conv2d(const NodeView& node) {
    LinearLayer a;
    const Shape& w = node.input(1).dims;
    a.window = window_of(node);
    a.depthwise = true;
    const bool fits = w.size() == 4 && w[0] == 1 && w[1] == a.window.kernel_h && w[2] == a.window.kernel_w &&
                      w[3] == a.window.out_c && a.window.in_c > 0 && w[3] % a.window.in_c == 0;
    if (!fits) throw ShapeError(node.message("weights " + to_string(w) + " don't fit the input and output channels"));
    a.taps = w[1] * w[2];
    a.load(node, 3);
    return a;
}

LinearAccumulator::LinearAccumulator(const NodeView& node, LinearLayer layer) : layer_(std::move(layer)) {
    const Affine x = per_tensor(node, node.input(0));
    const ClampRange storage = storage_range(node, node.input(0));
    const std::int64_t reach = largest_centred(storage, x.zero_point);
    if (node.has_input(2) && node.input(2).dtype != DType::int32) {
        throw UnsupportedTypeError(node.message("the bias '" + node.input(2).name + "' must be int32"));
    }
    std::vector<std::int32_t> start;
    for (std::int64_t c = 0; c < channels(); ++c) {
        const std::int64_t bound = layer_.masses[at(c)] * reach + std::abs(layer_.bias[at(c)]);
        if (bound > std::numeric_limits<std::int32_t>::max()) {
            throw OverflowRiskError(node.message("channel " + std::to_string(c) + ": the int32 accumulator can reach " +
                                                 std::to_string(bound) +
                                                 "; use fewer inputs per output, or a smaller bias"));
        }
        bounds_.push_back(bound);
        start.push_back(static_cast<std::int32_t>(layer_.bias[at(c)]));
    }
    sums_ = std::make_shared<const numeric::IntegerConvolution>(layer_.sums(storage.lo, x.zero_point, start.data()));
    layer_.weights = {};
}

}  // namespace gonogo::int8
