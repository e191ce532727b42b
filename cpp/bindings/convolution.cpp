// Interval convolutions as gonogo._core.numeric.conv2d.
#include "gonogo/numeric/convolution.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/integer_dot.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gonogo::bindings::give;
using gonogo::bindings::InputArray;
using gonogo::bindings::take;
using Shape = std::vector<std::int64_t>;
using Pair = std::pair<std::int64_t, std::int64_t>;

struct Settings {
    Pair strides;
    std::vector<std::int64_t> pads;
    Pair dilations;
    std::int64_t groups;
    bool channels_first;
};

std::int64_t out_size(std::int64_t in, std::int64_t pads, std::int64_t kernel, std::int64_t dilation,
                      std::int64_t stride) {
    const std::int64_t room = in + pads - ((kernel - 1) * dilation + 1);
    if (room < 0) throw std::invalid_argument("the kernel doesn't fit into the padded input");
    return room / stride + 1;
}

// The shape that input x and weights w of these settings make, and whether w is [1, h, w, out] (depthwise).
std::pair<gn::ConvolutionShape, bool> shape_of(const Shape& x, const Shape& w, const Settings& settings) {
    if (x.size() != 4 || w.size() != 4) throw std::invalid_argument("input and weights must have 4 dimensions");
    const bool first = settings.channels_first;
    gn::ConvolutionShape s;
    s.channels_first = first;
    s.groups = settings.groups;
    s.batch = x[0];
    s.in_c = x[first ? 1 : 3];
    s.in_h = x[first ? 2 : 1];
    s.in_w = x[first ? 3 : 2];
    s.kernel_h = w[first ? 2 : 1];
    s.kernel_w = w[first ? 3 : 2];
    if (s.groups < 1 || s.in_c % s.groups != 0) throw std::invalid_argument("groups must divide the input channels");
    const std::int64_t inputs = s.in_c / s.groups;
    const bool depthwise = !first && s.groups == s.in_c && w[0] == 1 && w[3] != inputs;
    s.out_c = w[depthwise ? 3 : 0];
    if (!depthwise && w[first ? 1 : 3] != inputs) {
        throw std::invalid_argument("weights of shape " + gonogo::bindings::list_text(w) + " don't fit " +
                                    std::to_string(inputs) + " input channels per group");
    }
    s.stride_h = settings.strides.first;
    s.stride_w = settings.strides.second;
    s.dilation_h = settings.dilations.first;
    s.dilation_w = settings.dilations.second;
    const auto positive = [](std::int64_t n) { return n >= 1 && n <= (1 << 24); };
    if (!positive(s.stride_h) || !positive(s.stride_w) || !positive(s.dilation_h) || !positive(s.dilation_w) ||
        !positive(s.kernel_h) || !positive(s.kernel_w)) {
        throw std::invalid_argument("strides, dilations and kernel must be from 1 to 2^24");
    }
    if (settings.pads.size() != 4 || !std::all_of(settings.pads.begin(), settings.pads.end(),
                                                  [&](std::int64_t n) { return n == 0 || positive(n); })) {
        throw std::invalid_argument("pads must be four numbers from 0 to 2^24: top, left, bottom, right");
    }
    s.pad_top = settings.pads[0];
    s.pad_left = settings.pads[1];
    s.out_h = out_size(s.in_h, s.pad_top + settings.pads[2], s.kernel_h, s.dilation_h, s.stride_h);
    s.out_w = out_size(s.in_w, s.pad_left + settings.pads[3], s.kernel_w, s.dilation_w, s.stride_w);
    return {s, depthwise};
}

template <class T>
py::tuple conv2d_of(const py::object& weights, const py::object& lo, const py::object& hi, const Settings& settings,
                    const py::object& bias_lo, const py::object& bias_hi, double rho) {
    const InputArray<T> w = take<T>(weights, "weights");
    const InputArray<T> a = take<T>(lo, "lo");
    const InputArray<T> b = take<T>(hi, "hi", a.shape);
    const auto [s, depthwise] = shape_of(a.shape, w.shape, settings);
    if (bias_lo.is_none() != bias_hi.is_none()) throw std::invalid_argument("bias_lo and bias_hi go together");
    std::optional<InputArray<double>> c, d;
    if (!bias_lo.is_none()) {
        c = take<double>(bias_lo, "bias_lo", Shape{s.out_c});
        d = take<double>(bias_hi, "bias_hi", Shape{s.out_c});
    }
    const Shape out =
        s.channels_first ? Shape{s.batch, s.out_c, s.out_h, s.out_w} : Shape{s.batch, s.out_h, s.out_w, s.out_c};
    const auto steps = depthwise          ? gn::WeightSteps::hwc(s)
                       : s.channels_first ? gn::WeightSteps::oihw(s)
                                          : gn::WeightSteps::ohwi(s);
    py::array_t<T> low(std::vector<py::ssize_t>(out.begin(), out.end()));
    py::array_t<T> high(std::vector<py::ssize_t>(out.begin(), out.end()));
    T* const low_at = low.mutable_data();
    T* const high_at = high.mutable_data();
    {
        const py::gil_scoped_release no_gil;
        const gn::EnvironmentGuard guard;
        gn::Convolution<T>(s, w.values.data(), steps, rho)
            .apply(a.values.data(), b.values.data(), c ? c->values.data() : nullptr, d ? d->values.data() : nullptr,
                   low_at, high_at);
    }
    return py::make_tuple(std::move(low), std::move(high));
}

py::tuple conv2d(const py::object& weights, const py::object& lo, const py::object& hi, Pair strides,
                 std::vector<std::int64_t> pads, Pair dilations, std::int64_t groups, const std::string& layout,
                 const py::object& bias_lo, const py::object& bias_hi, double weight_relative_uncertainty) {
    if (layout != "NCHW" && layout != "NHWC") throw std::invalid_argument("layout must be NCHW or NHWC");
    const Settings settings{strides, std::move(pads), dilations, groups, layout == "NCHW"};
    const bool single = py::isinstance<py::array_t<float>>(weights);
    return (single ? conv2d_of<float> : conv2d_of<double>)(weights, lo, hi, settings, bias_lo, bias_hi,
                                                           weight_relative_uncertainty);
}

py::tuple integer_conv2d(const py::object& weights, const py::object& lo, const py::object& hi, std::int32_t lowest,
                         std::int32_t zero, Pair strides, std::vector<std::int64_t> pads, Pair dilations,
                         std::int64_t groups, const std::string& layout, const py::object& bias) {
    if (layout != "NCHW" && layout != "NHWC") throw std::invalid_argument("layout must be NCHW or NHWC");
    const Settings settings{strides, std::move(pads), dilations, groups, layout == "NCHW"};
    const InputArray<std::int16_t> w = take<std::int16_t>(weights, "weights");
    const InputArray<std::int32_t> a = take<std::int32_t>(lo, "lo");
    const InputArray<std::int32_t> b = take<std::int32_t>(hi, "hi", a.shape);
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        const auto reach = static_cast<std::int64_t>(b.values[i]) - lowest;
        if (a.values[i] < lowest || b.values[i] < a.values[i] || reach > 255) {
            throw std::invalid_argument("element " + std::to_string(i) +
                                        ": lowest <= lo <= hi <= lowest + 255 must hold");
        }
    }
    const auto [s, depthwise] = shape_of(a.shape, w.shape, settings);
    std::optional<InputArray<std::int32_t>> c;
    if (!bias.is_none()) c = take<std::int32_t>(bias, "bias", Shape{s.out_c});
    const auto count = static_cast<std::size_t>(s.pixels() * s.out_c);
    std::vector<std::int32_t> point(count), least(count), greatest(count);
    {
        const py::gil_scoped_release no_gil;
        const gn::EnvironmentGuard guard;
        const auto steps = depthwise          ? gn::WeightSteps::hwc(s)
                           : s.channels_first ? gn::WeightSteps::oihw(s)
                                              : gn::WeightSteps::ohwi(s);
        const gn::IntegerConvolution sums(s, w.values.data(), steps, lowest, zero, c ? c->values.data() : nullptr);
        sums.point(a.values.data(), point.data());
        sums.range(a.values.data(), b.values.data(), least.data(), greatest.data());
    }
    const Shape out =
        s.channels_first ? Shape{s.batch, s.out_c, s.out_h, s.out_w} : Shape{s.batch, s.out_h, s.out_w, s.out_c};
    return py::make_tuple(give(std::move(point), out), give(std::move(least), out), give(std::move(greatest), out));
}

}  // namespace

void register_convolution(py::module_& m) {
    auto n = m.attr("numeric").cast<py::module_>();
    n.def("conv2d", &conv2d, py::arg("weights"), py::arg("lo"), py::arg("hi"), py::arg("strides") = Pair{1, 1},
          py::arg("pads") = std::vector<std::int64_t>{0, 0, 0, 0}, py::arg("dilations") = Pair{1, 1},
          py::arg("groups") = 1, py::arg("layout") = "NCHW", py::arg("bias_lo") = py::none(),
          py::arg("bias_hi") = py::none(), py::arg("weight_relative_uncertainty") = 0.0,
          "Bounds on a 2-D convolution over a box: (lower, upper), arrays of the weights' dtype, float32 or float64, "
          "rounded outward. Layout NCHW: input [batch, channels, h, w], weights [out, channels / groups, h, w]. NHWC: "
          "input [batch, h, w, channels], weights [out, h, w, channels / groups], or [1, h, w, out] where groups == "
          "channels (depthwise). pads: top, left, bottom, right, with zeros. bias_lo, bias_hi: float64, one per output "
          "channel. True weights may differ from the given ones by weight_relative_uncertainty * |w|. Where an input "
          "that a window reads is NaN, empty or unbounded, or a sum overflows, the result is (-inf, inf). TypeError "
          "for other dtypes, ValueError for shapes that don't fit.");
    n.def(
        "integer_conv2d", &integer_conv2d, py::arg("weights"), py::arg("lo"), py::arg("hi"), py::arg("lowest"),
        py::arg("zero"), py::arg("strides") = Pair{1, 1}, py::arg("pads") = std::vector<std::int64_t>{0, 0, 0, 0},
        py::arg("dilations") = Pair{1, 1}, py::arg("groups") = 1, py::arg("layout") = "NCHW",
        py::arg("bias") = py::none(),
        "Exact int32 sums w (x - zero) + bias of a quantised convolution: (at x = lo, least and greatest over the box "
        "of integers [lo, hi]). lo, hi: int32 from lowest to lowest + 255; weights: int16 from -255 to 255; bias: "
        "int32, one per output channel. Layouts and padding (by `zero`) as conv2d. Sums that don't fit int32 come as "
        "their residues modulo 2^32. TypeError for other dtypes, ValueError for values or shapes that don't fit.");
}
