// Windows of a convolution laid out for the kernels, whatever the elements are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "gonogo/numeric/convolution.hpp"

namespace gonogo::numeric {

inline constexpr std::int64_t strip_pixels = 48;  // output pixels of a strip, a multiple of every tile's

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

// Uninitialised numbers from a multiple of 64 bytes on.
template <class T>
class Aligned {
  public:
    Aligned() = default;
    explicit Aligned(std::int64_t count)
        : data_(static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T), std::align_val_t{64}))) {}
    T* get() const { return data_.get(); }

  private:
    struct Free {
        void operator()(T* p) const { ::operator delete(p, std::align_val_t{64}); }
    };
    std::unique_ptr<T, Free> data_;
};

// First and one past the last tap inside an input of `size` for the window that starts at `origin`.
struct TapRange {
    std::int64_t first, last;
};
inline TapRange taps_inside(std::int64_t origin, std::int64_t dilation, std::int64_t kernel, std::int64_t size) {
    const std::int64_t first = origin < 0 ? ceil_divide(-origin, dilation) : 0;
    const std::int64_t last = origin >= size ? 0 : ceil_divide(size - origin, dilation);
    return {first, std::min(last, kernel)};
}

// std::invalid_argument for sizes that can't be.
void check_shape(const ConvolutionShape& s);

// Windows lie in an image of the input, channels last, with padding around it; where that would be far larger than the
// input (large strides, much padding), they are copied one by one, strip by strip, instead ("patches").
struct WindowLayout {
    // Lanes: output channels of a vector.
    WindowLayout(const ConvolutionShape& s, std::int64_t lanes);

    bool depthwise;
    bool patches;
    std::int64_t repeat;  // copies of every input channel in the image (depthwise)
    std::int64_t depth;   // channels of the image
    std::int64_t image_h, image_w;
    std::int64_t panel;   // output channels of a panel
    std::int64_t panels;  // of a group; depthwise: of all channels
    std::int64_t width;   // output channels of a group; depthwise: all
    std::int64_t lanes;
    std::vector<std::int64_t> runs;  // where a window's runs start, each `length` consecutive elements
    std::int64_t length;
    std::vector<std::int64_t> pixels;  // start of every window in the image; with patches: in a strip

    std::int64_t vectors(std::int64_t p) const { return ceil_divide(std::min(panel, width - p * panel), lanes); }
    // Panels of one strip, and strips times panels: units of work that don't depend on each other.
    std::int64_t parts(const ConvolutionShape& s) const { return (depthwise ? 1 : s.groups) * panels; }
    std::int64_t units(const ConvolutionShape& s) const { return ceil_divide(s.pixels(), strip_pixels) * parts(s); }
    // How many units are worth handing to another thread. With patches all panels of a strip stay together, so that the
    // windows are copied once.
    std::int64_t grain(const ConvolutionShape& s) const;
};

// Windows first .. first + count of an image without padding, each as a row of its own: [pixel][tap][depth].
template <class T>
void copy_patches(const ConvolutionShape& s, std::int64_t depth, const T* image, std::int64_t first, std::int64_t count,
                  T padding, T* to) {
    const std::int64_t size = s.taps() * depth;
    std::fill_n(to, count * size, padding);
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = (first + i) / s.out_w;
        const std::int64_t top = row % s.out_h * s.stride_h - s.pad_top;
        const std::int64_t left = (first + i) % s.out_w * s.stride_w - s.pad_left;
        const TapRange rows = taps_inside(top, s.dilation_h, s.kernel_h, s.in_h);
        const TapRange columns = taps_inside(left, s.dilation_w, s.kernel_w, s.in_w);
        for (std::int64_t h = rows.first; h < rows.last; ++h) {
            const std::int64_t in_row = row / s.out_h * s.in_h + top + h * s.dilation_h;
            for (std::int64_t w = columns.first; w < columns.last; ++w) {
                std::copy_n(image + (in_row * s.in_w + left + w * s.dilation_w) * depth, depth,
                            to + i * size + (h * s.kernel_w + w) * depth);
            }
        }
    }
}

}  // namespace gonogo::numeric
