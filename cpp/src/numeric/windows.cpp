#include "numeric/windows.hpp"

#include <stdexcept>
#include <string>

namespace gonogo::numeric {

namespace {

constexpr std::int64_t full_vectors = 2;  // of a panel
constexpr std::int64_t depthwise_vectors = 4;
constexpr std::int64_t task_products = std::int64_t{1} << 18;

void check(bool good, const char* what) {
    if (!good) throw std::invalid_argument(std::string("convolution: ") + what);
}

}  // namespace

void check_shape(const ConvolutionShape& s) {
    constexpr std::int64_t most = std::int64_t{1} << 36;
    constexpr std::int64_t most_in_window = std::int64_t{1} << 24;
    constexpr double most_elements = 0x1p48;
    const auto product = [](auto... n) { return (1.0 * ... * static_cast<double>(n)); };
    for (const std::int64_t n : {s.batch, s.in_h, s.in_w, s.in_c, s.out_h, s.out_w, s.out_c}) {
        check(n >= 0 && n <= most, "sizes must be from 0 to 2^36");
    }
    for (const std::int64_t n : {s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w}) {
        check(n >= 1 && n <= most_in_window, "kernel, strides and dilations must be from 1 to 2^24");
    }
    for (const std::int64_t n : {s.pad_top, s.pad_left}) {
        check(n >= 0 && n <= most_in_window, "padding must be from 0 to 2^24");
    }
    check(s.groups >= 1 && s.in_c % s.groups == 0 && s.out_c % s.groups == 0, "groups must divide both channel counts");
    check(product(s.batch, s.in_h, s.in_w, s.in_c) <= most_elements &&
              product(s.batch, s.out_h, s.out_w, s.out_c) <= most_elements &&
              product(s.kernel_h, s.kernel_w, s.in_c, s.out_c) <= most_elements,
          "more than 2^48 elements");
}

WeightSteps WeightSteps::oihw(const ConvolutionShape& s) {
    return {s.out_c / s.groups * s.terms(), s.terms(), 1, s.taps()};
}
WeightSteps WeightSteps::ohwi(const ConvolutionShape& s) {
    return {s.out_c / s.groups * s.terms(), s.terms(), s.in_c / s.groups, 1};
}
WeightSteps WeightSteps::hwc(const ConvolutionShape& s) {
    return {s.out_c / s.groups, 1, s.out_c, 0};
}
WeightSteps WeightSteps::ghwio(const ConvolutionShape& s) {
    const std::int64_t out = s.out_c / s.groups;
    return {s.terms() * out, 1, s.in_c / s.groups * out, out};
}

WindowLayout::WindowLayout(const ConvolutionShape& s, std::int64_t vector_lanes) : lanes(vector_lanes) {
    repeat = s.in_c == 0 ? 1 : s.out_c / s.in_c;
    // With many outputs per channel a panel of them is the better unit.
    depthwise = s.groups > 1 && s.groups == s.in_c && repeat < lanes;
    if (!depthwise) repeat = 1;
    depth = depthwise ? ceil_divide(s.out_c, lanes) * lanes : s.in_c;
    width = depthwise ? s.out_c : s.out_c / s.groups;
    panel = lanes * (depthwise ? depthwise_vectors : full_vectors);
    panels = ceil_divide(width, panel);

    image_h = s.out_h == 0 ? 0 : (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
    image_w = s.out_w == 0 ? 0 : (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
    const double grown = static_cast<double>(image_h) * static_cast<double>(image_w);
    patches = grown > 4.0 * static_cast<double>(s.in_h * s.in_w) + 1024.0;
    if (patches) image_h = s.in_h, image_w = s.in_w;

    const bool joined = !depthwise && s.groups == 1 && (patches || s.dilation_w == 1);
    length = (depthwise ? 1 : s.in_c / s.groups) * (joined ? s.kernel_w : 1);
    for (std::int64_t h = 0; h < s.kernel_h; ++h) {
        for (std::int64_t w = 0; w < (joined ? 1 : s.kernel_w); ++w) {
            runs.push_back(patches ? (h * s.kernel_w + w) * depth
                                   : (h * s.dilation_h * image_w + w * s.dilation_w) * depth);
        }
    }
    if (patches) {
        for (std::int64_t i = 0; i < strip_pixels; ++i) pixels.push_back(i * s.taps() * depth);
        return;
    }
    pixels.reserve(static_cast<std::size_t>(s.pixels()));
    for (std::int64_t b = 0; b < s.batch; ++b) {
        for (std::int64_t h = 0; h < s.out_h; ++h) {
            for (std::int64_t w = 0; w < s.out_w; ++w) {
                pixels.push_back(((b * image_h + h * s.stride_h) * image_w + w * s.stride_w) * depth);
            }
        }
    }
}

std::int64_t WindowLayout::grain(const ConvolutionShape& s) const {
    const std::int64_t products = std::min(strip_pixels, s.pixels()) * (s.terms() + 1) * panel;
    const std::int64_t count = ceil_divide(task_products, products);
    return patches ? ceil_divide(count, parts(s)) * parts(s) : count;
}

}  // namespace gonogo::numeric
