#include "gonogo/numeric/convolution.hpp"

#include <algorithm>

#include "gonogo/numeric/parallel.hpp"

#include "numeric/convolution_plan.hpp"

namespace gonogo::numeric {

namespace {

constexpr std::int64_t task_elements = std::int64_t{1} << 14;  // of the image, worth handing to another thread

// One row of the image from one row of the input, with `pad` zeros before it. Channels go last and are repeated.
template <class T>
class RowFiller {
  public:
    RowFiller(const ConvolutionPlan<T>& plan, const T* lo, const T* hi)
        : p_(plan), s_(plan.s), l_(plan.layout), lo_(lo), hi_(hi) {}

    void fill(std::int64_t row, T* mid, T* rad) {
        const std::int64_t batch = row / l_.image_h;
        const std::int64_t h = row % l_.image_h - (l_.patches ? 0 : s_.pad_top);
        const std::int64_t pad = l_.patches ? 0 : std::min(s_.pad_left, l_.image_w);
        const std::int64_t count = h < 0 || h >= s_.in_h ? 0 : std::min(s_.in_w, l_.image_w - pad);
        const bool gaps = l_.depth != s_.in_c * l_.repeat;  // channels that only fill up a vector
        zero(mid, 0, gaps ? l_.image_w : pad);
        zero(rad, 0, gaps ? l_.image_w : pad);
        zero(mid, pad + count, l_.image_w);
        zero(rad, pad + count, l_.image_w);
        mid += pad * l_.depth;
        rad += pad * l_.depth;
        if (count == 0) return;
        if (!s_.channels_first && l_.depth == s_.in_c) {
            return inflate(count * s_.in_c, (batch * s_.in_h + h) * s_.in_w * s_.in_c, mid, rad);
        }
        if (!s_.channels_first) {
            mid_.resize(static_cast<std::size_t>(count * s_.in_c));
            rad_.resize(mid_.size());
            inflate(count * s_.in_c, (batch * s_.in_h + h) * s_.in_w * s_.in_c, mid_.data(), rad_.data());
            spread(mid_.data(), 1, s_.in_c, count, mid);
            spread(rad_.data(), 1, s_.in_c, count, rad);
            return;
        }
        load_rows(batch, h);
        const std::int64_t step_c = rows_ * s_.in_w;
        spread(mid_.data() + (h - first_) * s_.in_w, step_c, 1, count, mid);
        spread(rad_.data() + (h - first_) * s_.in_w, step_c, 1, count, rad);
    }

  private:
    void zero(T* row, std::int64_t first, std::int64_t last) const {
        if (last > first) std::fill_n(row + first * l_.depth, (last - first) * l_.depth, T(0));
    }
    void inflate(std::int64_t count, std::int64_t from, T* mid, T* rad) const {
        p_.elements.inflate(count, lo_ + from, hi_ + from, p_.bound.inflation(), mid, rad);
    }
    // Channels first: some rows of all channels at once, [channel][row][column].
    void load_rows(std::int64_t batch, std::int64_t h) {
        if (batch == batch_ && h >= first_ && h < first_ + rows_) return;
        batch_ = batch;
        first_ = h;
        rows_ = std::min(std::max<std::int64_t>(256 / s_.in_w, 1), s_.in_h - h);
        const std::int64_t size = rows_ * s_.in_w;
        mid_.resize(static_cast<std::size_t>(size * s_.in_c));
        rad_.resize(mid_.size());
        for (std::int64_t c = 0; c < s_.in_c; ++c) {
            inflate(size, ((batch * s_.in_c + c) * s_.in_h + h) * s_.in_w, mid_.data() + c * size,
                    rad_.data() + c * size);
        }
    }
    void spread(const T* from, std::int64_t step_c, std::int64_t step_w, std::int64_t count, T* to) const {
        if (step_w == 1 && l_.repeat == 1) {
            return p_.windows.transpose(from, step_c, s_.in_c, count, to, l_.depth);
        }
        for (std::int64_t w = 0; w < count; ++w) {
            for (std::int64_t c = 0; c < s_.in_c; ++c) {
                std::fill_n(to + w * l_.depth + c * l_.repeat, l_.repeat, from[w * step_w + c * step_c]);
            }
        }
    }

    const ConvolutionPlan<T>& p_;
    const ConvolutionShape& s_;
    const WindowLayout& l_;
    const T* lo_;
    const T* hi_;
    std::vector<T> mid_, rad_;
    std::int64_t batch_ = -1, first_ = 0, rows_ = 0;
};

// Strips of output pixels times panels of output channels, each a unit of work of its own.
template <class T>
class StripRunner {
  public:
    StripRunner(const ConvolutionPlan<T>& plan, const T* image, std::int64_t to_rad, const double* bias_M,
                const double* bias_R, T* out_lo, T* out_hi)
        : p_(plan),
          s_(plan.s),
          l_(plan.layout),
          image_(image),
          to_rad_(to_rad),
          bias_M_(bias_M),
          bias_R_(bias_R),
          out_lo_(out_lo),
          out_hi_(out_hi),
          strip_(std::min(strip_pixels, s_.pixels())),
          sums_(2 * strip_ * plan.layout.panel),
          ends_(2 * strip_ * plan.layout.panel),
          patches_(plan.layout.patches ? 2 * strip_ * s_.taps() * plan.layout.depth : 0) {}

    void run(std::int64_t strip, std::int64_t part) {
        const std::int64_t first = strip * strip_pixels;
        const std::int64_t count = std::min(strip_pixels, s_.pixels() - first);
        if (l_.patches && strip != strip_in_patches_) {
            const std::int64_t to_rad = strip_ * s_.taps() * l_.depth;
            copy_patches(s_, l_.depth, image_, first, count, T(0), patches_.get());
            copy_patches(s_, l_.depth, image_ + to_rad_, first, count, T(0), patches_.get() + to_rad);
            strip_in_patches_ = strip;
        }
        const std::int64_t group = part / l_.panels;
        const std::int64_t panel = part % l_.panels;
        const std::int64_t vectors = l_.vectors(panel);
        const std::int64_t step = vectors * p_.windows.lanes;
        const std::int64_t channel = group * l_.width + panel * l_.panel;
        double* const M = sums_.get();
        double* const R = M + count * step;
        if (bias_M_ == nullptr) {
            std::fill_n(M, 2 * count * step, 0.0);
        } else {
            for (std::int64_t i = 0; i < count; ++i) {
                std::copy_n(bias_M_ + channel, step, M + i * step);
                std::copy_n(bias_R_ + channel, step, R + i * step);
            }
        }
        ConvolutionStrip<T> work;
        work.image = l_.patches ? patches_.get() : image_;
        work.image += l_.depthwise ? panel * l_.panel : group * (s_.in_c / s_.groups);
        work.to_rad = l_.patches ? strip_ * s_.taps() * l_.depth : to_rad_;
        work.pixels = l_.pixels.data() + (l_.patches ? 0 : first);
        work.count = count;
        work.pieces = p_.pieces.data();
        work.weights = p_.weights.get() + (l_.depthwise ? panel * l_.panel : part * l_.panel * s_.terms());
        work.weight_step = l_.depth;
        work.vectors = vectors;
        work.M = M;
        work.R = R;
        if (!p_.pieces.empty()) (l_.depthwise ? p_.windows.depthwise : p_.windows.full)(work);
        const std::int64_t channels = std::min(step, l_.width - panel * l_.panel);
        const auto finish = [&](std::int64_t from, std::int64_t n, T* lo, T* hi) {
            p_.elements.finish(n, M + from, R + from, p_.bound.sum_factor(), p_.bound.sum_underflow(), lo, hi);
        };
        if (!s_.channels_first && channels == step) {
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t to = (first + i) * s_.out_c + channel;
                finish(i * step, step, out_lo_ + to, out_hi_ + to);
            }
            return;
        }
        T* const lo = ends_.get();
        T* const hi = lo + count * step;
        finish(0, count * step, lo, hi);
        write(lo, step, first, count, channel, channels, out_lo_);
        write(hi, step, first, count, channel, channels, out_hi_);
    }

  private:
    void write(const T* from, std::int64_t step, std::int64_t first, std::int64_t count, std::int64_t channel,
               std::int64_t channels, T* out) const {
        if (!s_.channels_first) {
            for (std::int64_t i = 0; i < count; ++i) {
                std::copy_n(from + i * step, channels, out + (first + i) * s_.out_c + channel);
            }
            return;
        }
        const std::int64_t area = s_.out_h * s_.out_w;
        for (std::int64_t i = 0; i < count;) {
            const std::int64_t batch = (first + i) / area;
            const std::int64_t at = (first + i) % area;
            const std::int64_t part = std::min(count - i, area - at);
            p_.windows.transpose(from + i * step, step, part, channels, out + (batch * s_.out_c + channel) * area + at,
                                 area);
            i += part;
        }
    }

    const ConvolutionPlan<T>& p_;
    const ConvolutionShape& s_;
    const WindowLayout& l_;
    const T* image_;
    std::int64_t to_rad_;
    const double* bias_M_;
    const double* bias_R_;
    T* out_lo_;
    T* out_hi_;
    std::int64_t strip_;
    Aligned<double> sums_;
    Aligned<T> ends_;
    Aligned<T> patches_;
    std::int64_t strip_in_patches_ = -1;
};

}  // namespace

template <class T>
Convolution<T>::Convolution(const ConvolutionShape& shape, const T* weights, const WeightSteps& steps, double rho)
    : plan_(std::make_unique<const ConvolutionPlan<T>>(shape, weights, steps, rho)) {}
template <class T>
Convolution<T>::~Convolution() = default;
template <class T>
Convolution<T>::Convolution(Convolution&&) noexcept = default;
template <class T>
Convolution<T>& Convolution<T>::operator=(Convolution&&) noexcept = default;

template <class T>
void Convolution<T>::apply(const T* lo, const T* hi, const double* bias_lo, const double* bias_hi, T* out_lo,
                           T* out_hi) const {
    const ConvolutionPlan<T>& p = *plan_;
    const ConvolutionShape& s = p.s;
    if (s.pixels() == 0 || s.out_c == 0) return;
    const std::int64_t row = p.layout.image_w * p.layout.depth;
    const std::int64_t rows = s.batch * p.layout.image_h;
    const Aligned<T> image(2 * rows * row);
    parallel_for(rows, ceil_divide(task_elements, row + 1), [&](std::int64_t first, std::int64_t last) {
        RowFiller<T> filler(p, lo, hi);
        for (std::int64_t i = first; i < last; ++i) {
            filler.fill(i, image.get() + i * row, image.get() + (rows + i) * row);
        }
    });
    std::vector<double> bias_M, bias_R;
    if (bias_lo != nullptr) {
        bias_M.resize(static_cast<std::size_t>(s.out_c + p.layout.panel));
        bias_R.resize(bias_M.size());
        for (std::size_t c = 0; c < static_cast<std::size_t>(s.out_c); ++c) {
            p.bound.start({bias_lo[c], bias_hi[c]}, bias_M[c], bias_R[c]);
        }
    }
    const std::int64_t parts = p.layout.parts(s);
    parallel_for(p.layout.units(s), p.layout.grain(s), [&](std::int64_t first, std::int64_t last) {
        StripRunner<T> runner(p, image.get(), rows * row, bias_lo == nullptr ? nullptr : bias_M.data(), bias_R.data(),
                              out_lo, out_hi);
        for (std::int64_t i = first; i < last; ++i) runner.run(i / parts, i % parts);
    });
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace gonogo::numeric
