#include "gonogo/numeric/interval_arrays.hpp"

#include <array>

#include "gonogo/numeric/parallel.hpp"

#include "kernels/arithmetic.hpp"
#include "kernels/select.hpp"

namespace gonogo::numeric {

namespace {

constexpr std::int64_t grain = 1 << 14;
static_assert(grain % arithmetic_block == 0);

ArithmeticKernels::Operation kernel_of(Arithmetic operation) {
    const ArithmeticKernels& k = GONOGO_TABLE(arithmetic);
    switch (operation) {
        case Arithmetic::add:
            return k.add;
        case Arithmetic::sub:
            return k.sub;
        case Arithmetic::mul:
            return k.mul;
        case Arithmetic::div:
            return k.div;
        case Arithmetic::sqr:
            break;
    }
    return k.sqr;
}

Interval one(Arithmetic operation, const Interval& a, const Interval& b) {
    switch (operation) {
        case Arithmetic::add:
            return a + b;
        case Arithmetic::sub:
            return a - b;
        case Arithmetic::mul:
            return a * b;
        case Arithmetic::div:
            return a / b;
        case Arithmetic::sqr:
            break;
    }
    return sqr(a);
}

// An operand block by block: the array itself, or one interval repeated as often as a block needs.
class Blocks {
  public:
    explicit Blocks(const IntervalsView& x) : view_(x) {
        if (x.repeated) {
            lo_.fill(*x.lo);
            hi_.fill(*x.hi);
        }
    }
    const double* lo(std::int64_t i) const { return view_.repeated ? lo_.data() : view_.lo + i; }
    const double* hi(std::int64_t i) const { return view_.repeated ? hi_.data() : view_.hi + i; }
    Interval at(std::int64_t i) const { return {*lo(i), *hi(i)}; }

  private:
    IntervalsView view_;
    std::array<double, arithmetic_block> lo_{}, hi_{};
};

}  // namespace

void apply(Arithmetic operation, const IntervalsView& a, const IntervalsView& b, double* out_lo, double* out_hi,
           std::int64_t count) {
    const ArithmeticKernels::Operation kernel = kernel_of(operation);
    const Blocks x(a), y(operation == Arithmetic::sqr ? a : b);
    const auto one_by_one = [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval z = one(operation, x.at(i), y.at(i));
            out_lo[i] = z.lo + 0.0;
            out_hi[i] = z.hi + 0.0;
        }
    };
    parallel_for(count, grain, [&](std::int64_t first, std::int64_t last) {
        std::int64_t i = first;
        for (; i + arithmetic_block <= last; i += arithmetic_block) {
            if (!kernel({x.lo(i), x.hi(i), y.lo(i), y.hi(i), out_lo + i, out_hi + i})) {
                one_by_one(i, i + arithmetic_block);
            }
        }
        one_by_one(i, last);
    });
}

}  // namespace gonogo::numeric
