// Loops that the compiler turns into vectors: each operation over a block of fixed width.
#include "numeric/kernels/tape.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr std::int64_t width = tape_width;

// Written out, since compilers don't make vectors of `floor` while inexact operations may trap.
GONOGO_INLINE F64 floor_of(F64 x) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    return _mm512_maskz_roundscale_pd(0xff, x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
    return _mm256_floor_pd(x);
#elif defined(__aarch64__)
    return (F64)vrndmq_f64((float64x2_t)x);
#else
    // Beyond 2^52 there are integers only; below, adding it with the sign of x leaves the nearest one.
    const F64 shift = from_bits(bits(splat<F64>(0x1p52)) | (bits(x) & INT64_MIN));
    const F64 nearest = (x + shift) - shift;
    const F64 below = nearest - select(nearest > x, splat<F64>(1.0), splat<F64>(0.0));
    return select(abs(x) < 0x1p52, below, x);
#endif
}
GONOGO_INLINE F64 ceil_of(F64 x) {
    return -floor_of(-x);
}
inline double least(double a, double b) {
    return a < b ? a : b;
}
inline double most(double a, double b) {
    return a > b ? a : b;
}

template <std::int64_t count = width, class F>
inline void each(F f) {
    // Registers are the same or apart, never shifted.
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i) f(i);
}

// out[i] = f(a[i], b[i]) by vectors.
template <std::int64_t count = width, class F>
inline void each_vector(double* out, const double* a, const double* b, F f) {
    for (std::int64_t i = 0; i < count; i += f64_lanes) store(out + i, f(load<F64>(a + i), load<F64>(b + i)));
}

// A sum over `count` rows, kept in vector registers. `own`: where the rows begin in a register; `other`: where those of a
// box's other end do, which count for factors below zero.
template <std::int64_t count>
inline void sum(const TapeStep& head, double* registers, std::int64_t own, std::int64_t other) {
    constexpr int vectors = f64_lanes == 8 ? 4 : 8;
    constexpr std::int64_t rows = vectors * f64_lanes;
    static_assert(count % rows == 0);
    const TapeStep* const terms = &head + 1;
    for (std::int64_t first = 0; first < count; first += rows) {
        F64 all[vectors];
        for (F64& v : all) v = splat<F64>(head.k);
        for (const TapeStep* term = terms; term != terms + head.terms; ++term) {
            if (term->op == TapeOp::term) {
                const double* a = registers + term->a * width + own + first;
                const double* b = registers + term->b * width + own + first;
                for (int i = 0; i < vectors; ++i) all[i] += load<F64>(a + i * f64_lanes) * load<F64>(b + i * f64_lanes);
            } else {
                const double* a = registers + term->a * width + (term->k < 0.0 ? other : own) + first;
                const F64 k = splat<F64>(term->k);
                for (int i = 0; i < vectors; ++i) all[i] += load<F64>(a + i * f64_lanes) * k;
            }
        }
        double* const out = registers + head.out * width + own + first;
        for (int i = 0; i < vectors; ++i) store(out + i * f64_lanes, all[i]);
    }
}

void points(const TapeStep* steps, std::int64_t count, double* registers) {
    for (std::int64_t s = 0; s < count; ++s) {
        const TapeStep& step = steps[s];
        // A result never shares its register with an operand.
        double* __restrict out = registers + step.out * width;
        const double* __restrict a = registers + step.a * width;
        const double* __restrict b = registers + step.b * width;
        const double* __restrict c = registers + step.c * width;
        const double k = step.k;
        switch (step.op) {
            case TapeOp::add:
                each([=](std::int64_t i) { out[i] = a[i] + b[i]; });
                break;
            case TapeOp::sub:
                each([=](std::int64_t i) { out[i] = a[i] - b[i]; });
                break;
            case TapeOp::mul:
                each([=](std::int64_t i) { out[i] = a[i] * b[i]; });
                break;
            case TapeOp::floor_div:
                each_vector(out, a, b, [](F64 x, F64 y) { return floor_of(x / y); });
                break;
            case TapeOp::ceil_div:
                each_vector(out, a, b, [](F64 x, F64 y) { return ceil_of(x / y); });
                break;
            case TapeOp::max:
                each([=](std::int64_t i) { out[i] = most(a[i], b[i]); });
                break;
            case TapeOp::min:
                each([=](std::int64_t i) { out[i] = least(a[i], b[i]); });
                break;
            case TapeOp::less:
                each([=](std::int64_t i) { out[i] = a[i] < b[i] ? 1.0 : 0.0; });
                break;
            case TapeOp::equal:
                each([=](std::int64_t i) { out[i] = a[i] == b[i] ? 1.0 : 0.0; });
                break;
            case TapeOp::select:
                each([=](std::int64_t i) { out[i] = a[i] != 0.0 ? b[i] : c[i]; });
                break;
            case TapeOp::add_k:
                each([=](std::int64_t i) { out[i] = a[i] + k; });
                break;
            case TapeOp::mul_k:
                each([=](std::int64_t i) { out[i] = a[i] * k; });
                break;
            case TapeOp::floor_div_k:
                each_vector(out, a, a, [=](F64 x, F64) { return floor_of(x / k); });
                break;
            case TapeOp::ceil_div_k:
                each_vector(out, a, a, [=](F64 x, F64) { return ceil_of(x / k); });
                break;
            case TapeOp::floor_mul_k:
                each_vector(out, a, a, [=](F64 x, F64) { return floor_of(x * k); });
                break;
            case TapeOp::ceil_mul_k:
                each_vector(out, a, a, [=](F64 x, F64) { return ceil_of(x * k); });
                break;
            case TapeOp::max_k:
                each([=](std::int64_t i) { out[i] = most(a[i], k); });
                break;
            case TapeOp::min_k:
                each([=](std::int64_t i) { out[i] = least(a[i], k); });
                break;
            case TapeOp::less_k:
                each([=](std::int64_t i) { out[i] = a[i] < k ? 1.0 : 0.0; });
                break;
            case TapeOp::equal_k:
                each([=](std::int64_t i) { out[i] = a[i] == k ? 1.0 : 0.0; });
                break;
            case TapeOp::sum:
                sum<width>(step, registers, 0, 0);
                s += step.terms;
                break;
            case TapeOp::term:
            case TapeOp::term_k:
                break;  // read with their sum
        }
    }
}

void boxes(const TapeStep* steps, std::int64_t count, double* registers) {
    for (std::int64_t s = 0; s < count; ++s) {
        const TapeStep& step = steps[s];
        double* __restrict lo = registers + step.out * width;
        double* __restrict hi = lo + tape_boxes;
        const double* __restrict a0 = registers + step.a * width;
        const double* __restrict a1 = a0 + tape_boxes;
        const double* __restrict b0 = registers + step.b * width;
        const double* __restrict b1 = b0 + tape_boxes;
        const double* __restrict c0 = registers + step.c * width;
        const double* __restrict c1 = c0 + tape_boxes;
        const double k = step.k;
        switch (step.op) {
            case TapeOp::add:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = a0[i] + b0[i], hi[i] = a1[i] + b1[i]; });
                break;
            case TapeOp::sub:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = a0[i] - b1[i], hi[i] = a1[i] - b0[i]; });
                break;
            case TapeOp::mul:
                if (step.not_negative) {
                    each<tape_boxes>([=](std::int64_t i) { lo[i] = a0[i] * b0[i], hi[i] = a1[i] * b1[i]; });
                } else {
                    each<tape_boxes>([=](std::int64_t i) {
                        const double p = a0[i] * b0[i], q = a0[i] * b1[i], r = a1[i] * b0[i], t = a1[i] * b1[i];
                        lo[i] = least(least(p, q), least(r, t));
                        hi[i] = most(most(p, q), most(r, t));
                    });
                }
                break;
            case TapeOp::floor_div: {
                const auto quotient = [](F64 x, F64 y) { return floor_of(x / y); };
                if (step.not_negative) {
                    each_vector<tape_boxes>(lo, a0, b1, quotient);
                    each_vector<tape_boxes>(hi, a1, b0, quotient);
                } else {
                    each<tape_boxes>([=](std::int64_t i) {
                        lo[i] = least(a0[i] / b0[i], a0[i] / b1[i]);
                        hi[i] = most(a1[i] / b0[i], a1[i] / b1[i]);
                    });
                    each_vector<tape_boxes>(lo, lo, lo, [](F64 x, F64) { return floor_of(x); });
                    each_vector<tape_boxes>(hi, hi, hi, [](F64 x, F64) { return floor_of(x); });
                }
                break;
            }
            case TapeOp::ceil_div: {
                const auto quotient = [](F64 x, F64 y) { return ceil_of(x / y); };
                if (step.not_negative) {
                    each_vector<tape_boxes>(lo, a0, b1, quotient);
                    each_vector<tape_boxes>(hi, a1, b0, quotient);
                } else {
                    each<tape_boxes>([=](std::int64_t i) {
                        lo[i] = least(a0[i] / b0[i], a0[i] / b1[i]);
                        hi[i] = most(a1[i] / b0[i], a1[i] / b1[i]);
                    });
                    each_vector<tape_boxes>(lo, lo, lo, [](F64 x, F64) { return ceil_of(x); });
                    each_vector<tape_boxes>(hi, hi, hi, [](F64 x, F64) { return ceil_of(x); });
                }
                break;
            }
            case TapeOp::max:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = most(a0[i], b0[i]), hi[i] = most(a1[i], b1[i]); });
                break;
            case TapeOp::min:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = least(a0[i], b0[i]), hi[i] = least(a1[i], b1[i]); });
                break;
            case TapeOp::less:
                each<tape_boxes>([=](std::int64_t i) {
                    lo[i] = a1[i] < b0[i] ? 1.0 : 0.0;
                    hi[i] = a0[i] < b1[i] ? 1.0 : 0.0;
                });
                break;
            case TapeOp::equal:
                each<tape_boxes>([=](std::int64_t i) {
                    // Both are the same number, or the ranges meet.
                    lo[i] = (a0[i] == b1[i] ? 1.0 : 0.0) * (a1[i] == b0[i] ? 1.0 : 0.0);
                    hi[i] = (a0[i] <= b1[i] ? 1.0 : 0.0) * (b0[i] <= a1[i] ? 1.0 : 0.0);
                });
                break;
            case TapeOp::select:
                each<tape_boxes>([=](std::int64_t i) {
                    const double low = least(b0[i], c0[i]), high = most(b1[i], c1[i]);
                    lo[i] = a0[i] != 0.0 ? b0[i] : (a1[i] == 0.0 ? c0[i] : low);
                    hi[i] = a0[i] != 0.0 ? b1[i] : (a1[i] == 0.0 ? c1[i] : high);
                });
                break;
            case TapeOp::add_k:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = a0[i] + k, hi[i] = a1[i] + k; });
                break;
            case TapeOp::mul_k:
                if (k >= 0.0) {
                    each<tape_boxes>([=](std::int64_t i) { lo[i] = a0[i] * k, hi[i] = a1[i] * k; });
                } else {
                    each<tape_boxes>([=](std::int64_t i) { lo[i] = a1[i] * k, hi[i] = a0[i] * k; });
                }
                break;
            case TapeOp::floor_div_k:
                each_vector<width>(lo, a0, a0, [=](F64 x, F64) { return floor_of(x / k); });  // both ends
                break;
            case TapeOp::ceil_div_k:
                each_vector<width>(lo, a0, a0, [=](F64 x, F64) { return ceil_of(x / k); });  // both ends
                break;
            case TapeOp::floor_mul_k:
                each_vector<width>(lo, a0, a0, [=](F64 x, F64) { return floor_of(x * k); });  // both ends
                break;
            case TapeOp::ceil_mul_k:
                each_vector<width>(lo, a0, a0, [=](F64 x, F64) { return ceil_of(x * k); });  // both ends
                break;
            case TapeOp::max_k:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = most(a0[i], k), hi[i] = most(a1[i], k); });
                break;
            case TapeOp::min_k:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = least(a0[i], k), hi[i] = least(a1[i], k); });
                break;
            case TapeOp::less_k:
                each<tape_boxes>([=](std::int64_t i) { lo[i] = a1[i] < k ? 1.0 : 0.0, hi[i] = a0[i] < k ? 1.0 : 0.0; });
                break;
            case TapeOp::equal_k:
                each<tape_boxes>([=](std::int64_t i) {
                    lo[i] = (a0[i] == k ? 1.0 : 0.0) * (a1[i] == k ? 1.0 : 0.0);
                    hi[i] = (a0[i] <= k ? 1.0 : 0.0) * (k <= a1[i] ? 1.0 : 0.0);
                });
                break;
            case TapeOp::sum:
                sum<tape_boxes>(step, registers, 0, tape_boxes);
                sum<tape_boxes>(step, registers, tape_boxes, 0);
                s += step.terms;
                break;
            case TapeOp::term:
            case TapeOp::term_k:
                break;  // read with their sum
        }
    }
}

}  // namespace

extern const TapeKernels tape_kernels;
const TapeKernels tape_kernels = {points, boxes};

}  // namespace gonogo::numeric::GONOGO_TARGET
