#include "gonogo/numeric/reductions.hpp"

#include <limits>
#include <stdexcept>

#include "exact_sum.hpp"

namespace gonogo::numeric {

namespace {

// What the terms that aren't finite come to; then the exact sum of the others.
class Total {
  public:
    void add(double x) {
        if (detail::is_finite(x)) {
            finite_.add(x);
        } else {
            special_ += x;
        }
    }
    void add_product(double a, double b) {
        if (detail::is_finite(a) && detail::is_finite(b)) {
            finite_.add_product(a, b);
        } else {
            special_ += a * b;  // an infinity, or NaN for 0 * inf
        }
    }
    double nearest() const { return special_ == 0.0 ? finite_.round_to_nearest() : special_; }

  private:
    detail::ExactSum finite_;
    double special_ = 0.0;  // inf - inf is NaN, and NaN stays
};

}  // namespace

double sum(std::span<const double> x) {
    Total total;
    for (const double v : x) {
        total.add(v);
    }
    return total.nearest();
}

double sum_abs(std::span<const double> x) {
    Total total;
    for (const double v : x) {
        total.add(v < 0.0 ? -v : v);
    }
    return total.nearest();
}

double sum_square(std::span<const double> x) {
    Total total;
    for (const double v : x) {
        total.add_product(v, v);
    }
    return total.nearest();
}

double dot(std::span<const double> x, std::span<const double> y) {
    if (x.size() != y.size()) {
        throw std::invalid_argument("dot: vectors of " + std::to_string(x.size()) + " and " + std::to_string(y.size()) +
                                    " elements");
    }
    Total total;
    for (std::size_t i = 0; i < x.size(); ++i) {
        total.add_product(x[i], y[i]);
    }
    return total.nearest();
}

Interval interval_sum(const double* lo, const double* hi, std::int64_t count, std::int64_t stride) {
    detail::ExactSum low, high;
    bool below = false, above = false;
    for (std::int64_t i = 0; i < count; ++i) {
        const Interval x{lo[i * stride], hi[i * stride]};
        if (x.is_empty()) {
            return x;
        }
        below = below || x.lo == -infinity;
        above = above || x.hi == infinity;
        if (!below) {
            low.add(x.lo);
        }
        if (!above) {
            high.add(x.hi);
        }
    }
    return {below ? -infinity : low.round_down(), above ? infinity : high.round_up()};
}

}  // namespace gonogo::numeric
