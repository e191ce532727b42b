#include "ops/affine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/affine.hpp"
#include "gonogo/numeric/convolution.hpp"
#include "gonogo/numeric/interval.hpp"

#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

// Half an ulp of binary64, the relative error of one rounding to nearest barring underflow.
constexpr double unit_roundoff = 0x1p-53;

void transpose_weights(const std::vector<double>& from, std::int64_t out, std::int64_t inner, std::int64_t groups,
                       std::vector<double>& to) {
    to.resize(from.size());
    const std::int64_t per_group = out / groups;
    for (std::int64_t g = 0; g < groups; ++g) {
        for (std::int64_t o = 0; o < per_group; ++o) {
            for (std::int64_t k = 0; k < inner; ++k) {
                to[static_cast<std::size_t>((g * inner + k) * per_group + o)] =
                    from[static_cast<std::size_t>((g * per_group + o) * inner + k)];
            }
        }
    }
}

// Two halves, each exact in binary64.
Interval enclosed(std::int64_t n) {
    const std::int64_t upper = n >> 32;
    return Interval::point(static_cast<double>(upper) * 0x1p32) +
           Interval::point(static_cast<double>(n - upper * (std::int64_t{1} << 32)));
}

void read_bias(const NodeView& view, AffineMap& map) {
    const auto out = static_cast<std::size_t>(map.window.out_c);
    map.bias_lo.assign(out, 0.0);
    map.bias_hi.assign(out, 0.0);
    if (!view.has_input(2)) return;
    const Tensor& bias = view.input(2);
    if (bias.dtype == DType::float32) {
        map.bias_lo = real_values(view, bias);
        map.bias_hi = map.bias_lo;
        return;
    }
    const Tensor& weights = view.input(1);
    const Tensor& x = view.input(0);
    const bool wide = bias.dtype == DType::int64;
    if ((!wide && bias.dtype != DType::int32) || !weights.is_quantized() || !x.is_quantized()) {
        throw UnsupportedTypeError(view.message("bias '" + bias.name + "' of element type " +
                                                std::string(name_of(bias.dtype)) + " doesn't go with these weights"));
    }
    if (weights.quantization->blocked()) {
        throw QuantizationError(view.message("an integer bias needs weights with one scale per output, '" +
                                             weights.name + "' has one per block; make the bias float32"));
    }
    if (!bias.has_values)
        throw ModelError(view.message("the values of the bias aren't in this file, only its shape; bounds need them"));
    for (std::size_t c = 0; c < out; ++c) {
        // 24-bit times 24-bit significand: the product of the scales is exact in binary64.
        const double scale = static_cast<double>(x.quantization->scale()) *
                             static_cast<double>(weights.quantization->scale(static_cast<std::int64_t>(c)));
        const Interval n = wide ? enclosed(bias.values<std::int64_t>()[c])
                                : Interval::point(static_cast<double>(bias.values<std::int32_t>()[c]));
        const Interval b = n * Interval::point(scale);
        map.bias_lo[c] = b.lo;
        map.bias_hi[c] = b.hi;
    }
}

AffineMap batch_norm_map(const NodeView& view) {
    const Tensor& x = view.input(0);
    const std::size_t axis = checked_axis(view, view.integer("axis"), x.dims.size());
    AffineMap map;
    map.depthwise = true;
    Window& w = map.window;
    w.in_c = w.out_c = x.dims[axis];
    std::int64_t before = 1;
    std::int64_t after = 1;
    for (std::size_t d = 0; d < x.dims.size(); ++d) {
        if (d < axis) before *= x.dims[d];
        if (d > axis) after *= x.dims[d];
    }
    w.batch = before;
    w.in_w = w.out_w = after;
    w.channels_first = after > 1;
    const auto n = static_cast<std::size_t>(w.in_c);
    std::vector<double> parameter[4];
    for (std::size_t i = 0; i < 4; ++i) {
        parameter[i] = real_values(view, view.input(i + 1));
        if (parameter[i].size() != n)
            throw ShapeError(view.message("parameter " + std::to_string(i + 1) + " needs one value per channel"));
    }
    map.weights.resize(n);
    map.bias_lo.resize(n);
    map.bias_hi.resize(n);
    const Interval epsilon = Interval::point(view.number("epsilon"));
    for (std::size_t c = 0; c < n; ++c) {
        const Interval variance = Interval::point(parameter[3][c]) + epsilon;
        if (!(variance.lo > 0.0))
            throw ModelError(view.message("variance + epsilon isn't positive in channel " + std::to_string(c)));
        const Interval scale = Interval::point(parameter[0][c]) / numeric::sqrt(variance);
        const Interval shift = Interval::point(parameter[1][c]) - Interval::point(parameter[2][c]) * scale;
        const double mid = numeric::midpoint(scale.lo, scale.hi);
        const double rad = numeric::radius_up(mid, scale.lo, scale.hi);
        map.weights[c] = mid;
        if (rad > 0.0) map.weight_uncertainty = std::max(map.weight_uncertainty, numeric::div_up(rad, std::fabs(mid)));
        map.bias_lo[c] = shift.lo;
        map.bias_hi[c] = shift.hi;
    }
    return map;
}

}  // namespace

void AffineMap::pack() {
    const numeric::ConvolutionShape s = convolution_shape(window, depthwise ? window.in_c : groups);
    const auto steps = depthwise ? numeric::WeightSteps::hwc(s) : numeric::WeightSteps::ghwio(s);
    packed = std::make_shared<const numeric::Convolution<double>>(s, weights.data(), steps, weight_uncertainty);
}

void AffineMap::apply(const IntervalTensor& x, IntervalTensor& y, Bias bias) const {
    if (packed == nullptr) {
        AffineMap own = *this;
        own.pack();
        return own.apply(x, y, bias);
    }
    const bool with = bias == Bias::with;
    packed->apply(x.lo.data(), x.hi.data(), with ? bias_lo.data() : nullptr, with ? bias_hi.data() : nullptr,
                  y.lo.data(), y.hi.data());
}

AffineMap affine_map(const NodeView& view) {
    if (view.input(0).symbolic || view.output().symbolic)
        throw ShapeError(view.message("this engine needs concrete shapes"));
    if (view.op().name == "batch_norm") return batch_norm_map(view);
    AffineMap map;
    const std::vector<double> w = real_values(view, view.input(1));
    if (view.op().name == "dense") {
        map.window.in_c = view.input(1).dims[1];
        map.window.out_c = view.input(1).dims[0];
        map.window.batch = map.window.in_c == 0 ? 0 : view.input(0).elements() / map.window.in_c;
        transpose_weights(w, map.window.out_c, map.window.in_c, 1, map.weights);
    } else {
        map.window = window_of(view);
        map.depthwise = view.op().name == "depthwise_conv2d";
        if (map.depthwise) {
            map.weights = w;
        } else {
            map.groups = view.integer("groups");
            transpose_weights(w, map.window.out_c, map.taps() * (map.window.in_c / map.groups), map.groups,
                              map.weights);
        }
    }
    read_bias(view, map);
    return map;
}

bool same_geometry(const AffineMap& a, const AffineMap& b) {
    const Window& x = a.window;
    const Window& y = b.window;
    return a.depthwise == b.depthwise && a.groups == b.groups && a.weights.size() == b.weights.size() &&
           x.batch == y.batch && x.in_h == y.in_h && x.in_w == y.in_w && x.in_c == y.in_c && x.out_h == y.out_h &&
           x.out_w == y.out_w && x.out_c == y.out_c && x.kernel_h == y.kernel_h && x.kernel_w == y.kernel_w &&
           x.stride_h == y.stride_h && x.stride_w == y.stride_w && x.dilation_h == y.dilation_h &&
           x.dilation_w == y.dilation_w && x.pad_top == y.pad_top && x.pad_left == y.pad_left &&
           x.channels_first == y.channels_first;
}

// d = fl(a - b) is off by at most half an ulp of d, hence by u |d|, from a - b; a subtraction never underflows
// inexactly.
AffineMap difference(const AffineMap& a, const AffineMap& b) {
    AffineMap d = a;
    d.packed.reset();
    for (std::size_t i = 0; i < d.weights.size(); ++i) d.weights[i] = a.weights[i] - b.weights[i];
    d.weight_uncertainty = unit_roundoff;
    for (std::size_t c = 0; c < d.bias_lo.size(); ++c) {
        d.bias_lo[c] = numeric::sub_down(a.bias_lo[c], b.bias_hi[c]);
        d.bias_hi[c] = numeric::sub_up(a.bias_hi[c], b.bias_lo[c]);
    }
    return d;
}

AffineMap uncertainty(const AffineMap& a) {
    AffineMap s = a;
    s.packed.reset();
    for (double& w : s.weights) w = numeric::mul_up(a.weight_uncertainty, std::fabs(w));
    s.weight_uncertainty = 0.0;
    std::fill(s.bias_lo.begin(), s.bias_lo.end(), 0.0);
    std::fill(s.bias_hi.begin(), s.bias_hi.end(), 0.0);
    return s;
}

bool compose_channels(AffineMap& map, std::span<const double> scale_lo, std::span<const double> scale_hi,
                      std::span<const double> shift_lo, std::span<const double> shift_hi) {
    const auto channels = static_cast<std::size_t>(map.window.out_c);
    std::vector<double> mid(channels);
    double uncertainty = 0.0;
    for (std::size_t c = 0; c < channels; ++c) {
        mid[c] = numeric::midpoint(scale_lo[c], scale_hi[c]);
        const double rad = numeric::radius_up(mid[c], scale_lo[c], scale_hi[c]);
        if (!std::isfinite(mid[c]) || !(rad < std::fabs(mid[c]) || rad == 0.0)) return false;
        if (rad > 0.0) uncertainty = std::max(uncertainty, numeric::div_up(rad, std::fabs(mid[c])));
    }
    map.packed.reset();
    const std::int64_t group_out = map.window.out_c / map.groups;
    const std::int64_t inner = map.taps() * (map.depthwise ? 1 : map.window.in_c / map.groups);
    for (std::size_t i = 0; i < map.weights.size(); ++i) {
        const std::int64_t at = static_cast<std::int64_t>(i);
        const std::int64_t c =
            map.depthwise ? at % map.window.out_c : at / (inner * group_out) * group_out + at % group_out;
        const double product = map.weights[i] * mid[static_cast<std::size_t>(c)];
        // A product that underflows has an unbounded relative error.
        if (product != 0.0 && std::fabs(product) < std::numeric_limits<double>::min()) return false;
        if (product == 0.0 && map.weights[i] != 0.0 && mid[static_cast<std::size_t>(c)] != 0.0) return false;
        if (!std::isfinite(product)) return false;
        map.weights[i] = product;
    }
    // w* = w (1 + d)(1 + d') and p = fl(w s) give |w* - p| <= ((1 + rho)(1 + rho') / (1 - u) - 1) |p|; 1 / (1 - u) < 1
    // + 2u.
    const double one = 1.0;
    const double factor = numeric::mul_up(
        numeric::mul_up(numeric::add_up(one, map.weight_uncertainty), numeric::add_up(one, uncertainty)),
        numeric::add_up(one, 0x1p-52));
    map.weight_uncertainty = numeric::sub_up(factor, one);
    for (std::size_t c = 0; c < channels; ++c) {
        const Interval b = Interval{map.bias_lo[c], map.bias_hi[c]} * Interval{scale_lo[c], scale_hi[c]} +
                           Interval{shift_lo[c], shift_hi[c]};
        map.bias_lo[c] = b.lo;
        map.bias_hi[c] = b.hi;
    }
    return true;
}

RealKernel affine_real(const NodeView& view) {
    const RealClamp clamp = activation_clamp(view);
    AffineMap map = affine_map(view);
    map.pack();
    return [map = std::move(map), clamp](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        map.apply(*in[0], out);
        for (std::size_t i = 0; i < out.size(); ++i) store(out, i, clamped(load(out, i), clamp));
    };
}

namespace {

std::vector<SymbolicShape> batch_norm_shape(const NodeView& view) {
    const auto& in = view.input(0).shape;
    const std::size_t axis = checked_axis(view, view.integer("axis"), in.size());
    for (std::size_t i = 1; i < 5; ++i) {
        const auto& p = view.input(i).shape;
        if (p.size() != 1 || !alike(p[0], in[axis]))
            throw ShapeError(view.message("parameter " + std::to_string(i) + " needs one value per channel"));
    }
    return {in};
}

}  // namespace

const OperatorRecord& batch_norm_record() {
    static const OperatorRecord record = {
        .name = "batch_norm",
        .summary = "inference batch normalisation along one axis",
        .onnx = "BatchNormalization",
        .tflite = "",
        .min_inputs = 5,
        .max_inputs = 5,
        .attributes = {number_attribute("epsilon", 1e-5), integer_attribute("axis", 1)},
        .shape = batch_norm_shape,
        .work = elementwise_work,
        .real = affine_real,
        .joint = JointKind::affine,
    };
    return record;
}

}  // namespace gonogo
