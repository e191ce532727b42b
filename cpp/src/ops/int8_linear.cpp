// Exact accumulators of the linear layers, for points and for boxes.
//
// Theorem (box). Let a_k = lo_k + hi_k - 2 z and d_k = hi_k - lo_k for integer ranges [lo_k, hi_k]. The largest value
// of sum w_k (x_k - z) over the box takes hi_k where w_k > 0 and lo_k elsewhere: w_k x_k <= w_k (lo_k + hi_k) / 2 +
// |w_k| (hi_k - lo_k) / 2 with equality there. So max = (S + D) / 2 and min = (S - D) / 2 with S = sum w_k a_k and
// D = sum |w_k| d_k; both halves are exact, S + D being a sum of 2 w_k hi_k or 2 w_k lo_k. The extremes are attained,
// because the elements of a box vary independently.
//
// No overflow: |a_k| <= 510, |w_k| <= 255, so that 8,192 products stay below 2^31; longer sums are cut into such pieces
// and added in 64 bits. The results fit int32 by the bound that load() proves.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "gonogo/error.hpp"

#include "ops/int8_common.hpp"

namespace gonogo::int8 {

namespace {

constexpr std::int64_t piece = 8192;
constexpr std::int64_t row_block = 4;

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

// sums[j] += x . w[j] for up to four rows of w; int16 products into int32, which the compiler maps to pmaddwd.
void dot4(const std::int16_t* x, const std::int16_t* w, std::int64_t stride, std::int64_t n, std::int64_t* sums) {
    const std::int16_t* w0 = w;
    const std::int16_t* w1 = w + stride;
    const std::int16_t* w2 = w + 2 * stride;
    const std::int16_t* w3 = w + 3 * stride;
    for (std::int64_t begin = 0; begin < n; begin += piece) {
        const std::int64_t end = std::min(n, begin + piece);
        std::int32_t s0 = 0;
        std::int32_t s1 = 0;
        std::int32_t s2 = 0;
        std::int32_t s3 = 0;
        for (std::int64_t i = begin; i < end; ++i) {
            s0 += x[i] * w0[i];
            s1 += x[i] * w1[i];
            s2 += x[i] * w2[i];
            s3 += x[i] * w3[i];
        }
        sums[0] += s0;
        sums[1] += s1;
        sums[2] += s2;
        sums[3] += s3;
    }
}

void dot1(const std::int16_t* x, const std::int16_t* w, std::int64_t n, std::int64_t* sum) {
    for (std::int64_t begin = 0; begin < n; begin += piece) {
        const std::int64_t end = std::min(n, begin + piece);
        std::int32_t s = 0;
        for (std::int64_t i = begin; i < end; ++i) s += x[i] * w[i];
        *sum += s;
    }
}

void dots(const std::int16_t* x, const std::int16_t* w, std::int64_t rows, std::int64_t n, std::int64_t* sums) {
    std::fill(sums, sums + rows, 0);
    std::int64_t r = 0;
    for (; r + row_block <= rows; r += row_block) dot4(x, w + r * n, n, n, sums + r);
    for (; r < rows; ++r) dot1(x, w + r * n, n, sums + r);
}

// acc[c] += x[c] * w[c], one tap of a depthwise convolution.
void multiply_add(const std::int16_t* x, const std::int16_t* w, std::int64_t n, std::int32_t* acc) {
    for (std::int64_t c = 0; c < n; ++c) acc[c] += x[c] * w[c];
}

void flush(std::vector<std::int32_t>& from, std::vector<std::int64_t>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
    std::fill(from.begin(), from.end(), 0);
}

}  // namespace

void LinearAccumulator::load(const NodeView& node, std::int64_t channel_axis) {
    const Affine x = per_tensor(node, node.input(0));
    const Tensor& w = node.input(1);
    const ClampRange w_storage = storage_range(node, w);
    const std::int64_t channels = window_.out_c;
    if (inputs() <= 0 || outputs() <= 0) throw ShapeError(node.message("a tensor has no elements"));
    if (node.input(0).elements() != inputs() || node.output().elements() != outputs()) {
        throw ShapeError(node.message("input " + to_string(node.input(0).dims) + ", weights " + to_string(w.dims) +
                                      " and output " + to_string(node.output().dims) + " don't fit together"));
    }
    if (!w.quantization) throw QuantizationError(node.message("the weights '" + w.name + "' have no scale"));
    const Quantization& q = *w.quantization;
    const auto fits = [&](std::size_t n) { return n == 1 || n == at(channels); };
    if (!fits(q.scales.size()) || !fits(q.zero_points.size()) || (q.scales.size() > 1 && q.axis != channel_axis)) {
        throw QuantizationError(node.message(
            "the weights '" + w.name + "' must be quantised per tensor or along axis " + std::to_string(channel_axis)));
    }
    const std::vector<std::int32_t> values = constant_integers(node, w);
    bias_.assign(at(channels), 0);
    if (node.has_input(2)) {
        if (node.input(2).dtype != DType::int32) {
            throw UnsupportedTypeError(node.message("the bias '" + node.input(2).name + "' must be int32"));
        }
        bias_ = constant_integers(node, node.input(2));
        if (bias_.size() != at(channels)) throw ShapeError(node.message("the bias needs one value per output channel"));
    }

    input_zero_ = x.zero_point;
    const std::int64_t reach = largest_centred(storage_range(node, node.input(0)), x.zero_point);
    weights_.resize(values.size());
    magnitudes_.resize(values.size());
    bound_.assign(at(channels), 0);
    for (std::int64_t c = 0; c < channels; ++c) {
        const std::int32_t zero = q.zero_point(c);
        if (zero < w_storage.lo || zero > w_storage.hi) {
            throw QuantizationError(node.message("the weights' zero point is outside their storage type"));
        }
        for (std::int64_t k = 0; k < taps_; ++k) {
            const std::size_t i = at(depthwise_ ? k * channels + c : c * taps_ + k);
            weights_[i] = static_cast<std::int16_t>(values[i] - zero);
            magnitudes_[i] = static_cast<std::int16_t>(std::abs(weights_[i]));
            bound_[at(c)] += magnitudes_[i] * reach;
        }
        bound_[at(c)] += std::abs(std::int64_t{bias_[at(c)]});
        if (bound_[at(c)] > std::numeric_limits<std::int32_t>::max()) {
            throw OverflowRiskError(node.message("channel " + std::to_string(c) + ": the int32 accumulator can reach " +
                                                 std::to_string(bound_[at(c)]) +
                                                 "; use fewer inputs per output, or a smaller bias"));
        }
    }
}

LinearAccumulator LinearAccumulator::dense(const NodeView& node) {
    LinearAccumulator a;
    const Shape& w = node.input(1).dims;
    if (w.size() != 2 || w[0] < 1 || w[1] < 1) throw ShapeError(node.message("weights must be [outputs, inputs]"));
    a.window_.batch = node.input(0).elements() / w[1];
    a.window_.in_c = w[1];
    a.window_.out_c = w[0];
    a.taps_ = w[1];
    a.load(node, 0);
    return a;
}

LinearAccumulator LinearAccumulator::conv2d(const NodeView& node) {
    LinearAccumulator a;
    const Shape& w = node.input(1).dims;
    a.window_ = window_of(node);
    a.groups_ = node.has("groups") ? node.integer("groups") : 1;
    const bool fits = w.size() == 4 && w[1] == a.window_.kernel_h && w[2] == a.window_.kernel_w && a.groups_ > 0 &&
                      w[0] == a.window_.out_c && w[0] % a.groups_ == 0 && w[3] > 0 &&
                      a.window_.in_c / w[3] == a.groups_ && a.window_.in_c % w[3] == 0;
    if (!fits) throw ShapeError(node.message("weights " + to_string(w) + " don't fit the input and output channels"));
    a.taps_ = w[1] * w[2] * w[3];
    a.load(node, 0);
    return a;
}

LinearAccumulator LinearAccumulator::depthwise_conv2d(const NodeView& node) {
    LinearAccumulator a;
    const Shape& w = node.input(1).dims;
    a.window_ = window_of(node);
    a.depthwise_ = true;
    const bool fits = w.size() == 4 && w[0] == 1 && w[1] == a.window_.kernel_h && w[2] == a.window_.kernel_w &&
                      w[3] == a.window_.out_c && a.window_.in_c > 0 && w[3] % a.window_.in_c == 0;
    if (!fits) throw ShapeError(node.message("weights " + to_string(w) + " don't fit the input and output channels"));
    a.taps_ = w[1] * w[2];
    a.load(node, 3);
    return a;
}

// Channel-last copy of lo + hi - 2 z (or of hi - lo); of lo - z when hi is null. Depthwise inputs are repeated
// `multiplier` times, so that every output channel finds its input at its own index.
std::vector<std::int16_t> LinearAccumulator::repack(const std::int32_t* lo, const std::int32_t* hi,
                                                    bool difference) const {
    const Window& w = window_;
    const std::int64_t repeat = depthwise_ ? w.out_c / w.in_c : 1;
    const std::int64_t area = w.in_h * w.in_w;
    const std::int64_t step_c = w.channels_first ? area : 1;
    const std::int64_t step_p = w.channels_first ? 1 : w.in_c;
    std::vector<std::int16_t> out(at(inputs() * repeat));
    std::int16_t* target = out.data();
    for (std::int64_t n = 0; n < w.batch; ++n) {
        for (std::int64_t p = 0; p < area; ++p) {
            for (std::int64_t c = 0; c < w.in_c; ++c) {
                const std::int64_t i = n * area * w.in_c + p * step_p + c * step_c;
                std::int32_t value = lo[i] - input_zero_;
                if (hi != nullptr) value = difference ? hi[i] - lo[i] : lo[i] + hi[i] - 2 * input_zero_;
                for (std::int64_t r = 0; r < repeat; ++r) *target++ = static_cast<std::int16_t>(value);
            }
        }
    }
    return out;
}

void LinearAccumulator::point(const std::int32_t* x, std::int32_t* acc) const {
    const std::vector<std::int16_t> centred = repack(x, nullptr, false);
    run(centred.data(), nullptr, acc, nullptr);
}

void LinearAccumulator::range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* acc_lo,
                              std::int32_t* acc_hi) const {
    const std::vector<std::int16_t> sum = repack(lo, hi, false);
    const std::vector<std::int16_t> width = repack(lo, hi, true);
    run(sum.data(), width.data(), acc_lo, acc_hi);
}

// With b == nullptr: acc_lo = w . a + bias. Otherwise a and b are the sums and widths of the box theorem.
void LinearAccumulator::run(const std::int16_t* a, const std::int16_t* b, std::int32_t* acc_lo,
                            std::int32_t* acc_hi) const {
    const Window& w = window_;
    const std::int64_t channels = w.out_c;
    const std::int64_t area = w.out_h * w.out_w;
    std::vector<std::int64_t> sums(at(channels));
    std::vector<std::int64_t> widths(b == nullptr ? 0 : at(channels));
    std::vector<std::int16_t> patch(depthwise_ ? 0 : at(groups_ * taps_));
    std::vector<std::int32_t> partial(depthwise_ ? at(channels) : 0);
    for (std::int64_t n = 0; n < w.batch; ++n) {
        for (std::int64_t p = 0; p < area; ++p) {
            const Place place{n, p / w.out_w, p % w.out_w};
            accumulate(a, weights_, place, patch, partial, sums);
            if (b != nullptr) accumulate(b, magnitudes_, place, patch, partial, widths);
            for (std::int64_t c = 0; c < channels; ++c) {
                const std::int64_t o = w.channels_first ? (n * channels + c) * area + p : (n * area + p) * channels + c;
                const std::int64_t bias = bias_[at(c)];
                if (b == nullptr) {
                    acc_lo[o] = static_cast<std::int32_t>(sums[at(c)] + bias);
                } else {
                    acc_lo[o] = static_cast<std::int32_t>((sums[at(c)] - widths[at(c)]) / 2 + bias);
                    acc_hi[o] = static_cast<std::int32_t>((sums[at(c)] + widths[at(c)]) / 2 + bias);
                }
            }
        }
    }
}

// sums[c] = sum over the window at `place` of weights * x, without bias. Taps outside the input add nothing: padding is
// the zero point, which is 0 after centring.
void LinearAccumulator::accumulate(const std::int16_t* x, const std::vector<std::int16_t>& weights, Place place,
                                   std::vector<std::int16_t>& patch, std::vector<std::int32_t>& partial,
                                   std::vector<std::int64_t>& sums) const {
    const Window& w = window_;
    const std::int64_t depth = depthwise_ ? w.out_c : w.in_c;
    const std::int64_t per_group = w.in_c / groups_;
    const Window::Taps rows = w.rows(place.row);
    const Window::Taps columns = w.columns(place.column);
    const bool inside = rows.first == 0 && columns.first == 0 && rows.last == w.kernel_h && columns.last == w.kernel_w;
    if (depthwise_) {
        std::fill(sums.begin(), sums.end(), 0);
    } else if (!inside) {
        std::fill(patch.begin(), patch.end(), std::int16_t{0});
    }
    std::int64_t pending = 0;
    for (std::int64_t i = rows.first; i < rows.last; ++i) {
        const std::int64_t y = place.row * w.stride_h + i * w.dilation_h - w.pad_top;
        for (std::int64_t j = columns.first; j < columns.last; ++j) {
            const std::int64_t xx = place.column * w.stride_w + j * w.dilation_w - w.pad_left;
            const std::int16_t* source = x + ((place.batch * w.in_h + y) * w.in_w + xx) * depth;
            const std::int64_t tap = i * w.kernel_w + j;
            if (depthwise_) {
                multiply_add(source, weights.data() + tap * depth, depth, partial.data());
                if (++pending == piece) flush(partial, sums), pending = 0;
                continue;
            }
            for (std::int64_t g = 0; g < groups_; ++g) {
                std::copy_n(source + g * per_group, per_group, patch.data() + g * taps_ + tap * per_group);
            }
        }
    }
    if (depthwise_) {
        flush(partial, sums);
        return;
    }
    const std::int64_t outputs_per_group = w.out_c / groups_;
    for (std::int64_t g = 0; g < groups_; ++g) {
        dots(patch.data() + g * taps_, weights.data() + g * outputs_per_group * taps_, outputs_per_group, taps_,
             sums.data() + g * outputs_per_group);
    }
}

}  // namespace gonogo::int8
