// Walking tensors element by element with broadcasting, and moving intervals in and out of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/numeric/interval.hpp"

#include "ops/common.hpp"

namespace gonogo {

inline numeric::Interval load(const IntervalTensor& t, std::size_t i) {
    return {t.lo[i], t.hi[i]};
}
inline void store(IntervalTensor& t, std::size_t i, numeric::Interval v) {
    t.lo[i] = v.lo;
    t.hi[i] = v.hi;
}

// Image under min(max(x, lo), hi): exact, because the clamp is monotone and its limits are binary64 numbers.
inline numeric::Interval clamped(numeric::Interval x, RealClamp c) {
    return {std::min(std::max(x.lo, c.lo), c.hi), std::min(std::max(x.hi, c.lo), c.hi)};
}

// Pairs each element of the broadcast shape with the operand elements it is made of.
class Walk {
  public:
    Walk(const Shape& a, const Shape& b, const Shape& out)
        : out_(out), a_(broadcast_strides(a, out)), b_(broadcast_strides(b, out)), plain_(a == out && b == out) {}

    template <class Body>
    void each(Body&& body) const {
        const auto n = static_cast<std::size_t>(element_count(out_));
        if (plain_) {
            for (std::size_t i = 0; i < n; ++i) body(i, i, i);
            return;
        }
        std::vector<std::int64_t> index(out_.size(), 0);
        std::int64_t a = 0;
        std::int64_t b = 0;
        for (std::size_t i = 0; i < n; ++i) {
            body(i, static_cast<std::size_t>(a), static_cast<std::size_t>(b));
            for (std::size_t d = out_.size(); d-- > 0;) {
                a += a_[d];
                b += b_[d];
                if (++index[d] < out_[d]) break;
                a -= a_[d] * out_[d];
                b -= b_[d] * out_[d];
                index[d] = 0;
            }
        }
    }

  private:
    Shape out_;
    std::vector<std::int64_t> a_, b_;
    bool plain_;
};

}  // namespace gonogo
