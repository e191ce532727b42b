// Convolutions of boxes with weights that are numbers, by midpoint and radius in round-to-nearest (Theorem 33 of
// docs/soundness.md). A dense layer is a convolution of 1 x 1 images, a depthwise one has as many groups as channels.
// Valid under EnvironmentGuard. Uses the pool of parallel.hpp; results depend on the instruction set in use, never on
// the number of threads.
#pragma once

#include <cstdint>
#include <memory>

namespace gonogo::numeric {

// Sizes of input and output, kernel and window. Taps outside the input count as zero; padding at the bottom and on the
// right is what the output's size makes necessary.
struct ConvolutionShape {
    std::int64_t batch = 1, in_h = 1, in_w = 1, in_c = 1;
    std::int64_t out_h = 1, out_w = 1, out_c = 1;
    std::int64_t kernel_h = 1, kernel_w = 1;
    std::int64_t stride_h = 1, stride_w = 1;
    std::int64_t dilation_h = 1, dilation_w = 1;
    std::int64_t pad_top = 0, pad_left = 0;
    std::int64_t groups = 1;
    bool channels_first = false;  // input and output NCHW, else NHWC

    std::int64_t taps() const { return kernel_h * kernel_w; }
    std::int64_t terms() const { return taps() * (in_c / groups); }  // of one output
    std::int64_t pixels() const { return batch * out_h * out_w; }
};

// Where the weight for output o and input i of group g at tap t = row * kernel_w + column is: g * group + o * output +
// t * tap + i * input.
struct WeightSteps {
    std::int64_t group, output, tap, input;

    static WeightSteps oihw(const ConvolutionShape& s);   // ONNX: [out_c][in_c / groups][kernel_h][kernel_w]
    static WeightSteps ohwi(const ConvolutionShape& s);   // TFLite: [out_c][kernel_h][kernel_w][in_c / groups]
    static WeightSteps hwc(const ConvolutionShape& s);    // TFLite, depthwise: [kernel_h][kernel_w][out_c]
    static WeightSteps ghwio(const ConvolutionShape& s);  // [groups][kernel_h][kernel_w][in_c / groups][out_c / groups]
};

template <class T>
struct ConvolutionPlan;

// Weights packed for the instruction set in use, ready for many boxes. T is float or double.
template <class T>
class Convolution {
  public:
    // True weights w' satisfy |w' - w| <= rho |w|, 0 <= rho <= 1. std::invalid_argument for a rho outside, for sizes
    // that are negative or don't fit each other, and for more than 2^40 terms.
    Convolution(const ConvolutionShape& shape, const T* weights, const WeightSteps& steps, double rho = 0.0);
    ~Convolution();
    Convolution(Convolution&&) noexcept;
    Convolution& operator=(Convolution&&) noexcept;

    // Encloses, element by element, sum w' x + b for all x in [lo, hi], all admitted weights and all b in the output
    // channel's interval [bias_lo, bias_hi] (both may be null: no bias). A window with an element that is unbounded,
    // empty or NaN, and a sum that overflows, give entire.
    //
    // float: products are summed up in binary32 in chains of 24, up to 6 of these in binary32, then in binary64: about
    // 30 units of 2^-24 of sum |w||x| are added to the radius. double: binary64 throughout.
    void apply(const T* lo, const T* hi, const double* bias_lo, const double* bias_hi, T* out_lo, T* out_hi) const;

  private:
    std::unique_ptr<const ConvolutionPlan<T>> plan_;
};

extern template class Convolution<float>;
extern template class Convolution<double>;

}  // namespace gonogo::numeric
