// Theorem 38. With p = RN(a op b) and a residual e that has the sign of a op b - p, or is zero with it, the least bound
// is the next float above p if e > 0, else p; downward alike. The residual is the exact one of Theorem 1 or 2 (with a
// fused instruction e = RN(a b - p), which is exact under the same condition), and for a quotient q by b > 0 it is
// (a - p) - e with q b = p + e, as in Theorem 5. A lane counts as right only when its residuals are finite and products
// are at least 2^-960 in magnitude, or a factor is zero; a quotient's divisor mustn't reach zero. So infinite ends,
// overflow, underflow, NaN and the empty set, {+inf, -inf}, are left to the caller.
#include "numeric/kernels/arithmetic.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr double floor = 0x1p-960;

struct Exact {
    F64 value;
    F64 residual;
};

GONOGO_INLINE F64 one_up(F64 x) {
    const I64 b = bits(x + 0.0);  // -0 becomes +0
    return from_bits(b + ((b >> 63) | 1));
}

GONOGO_INLINE F64 up(const Exact& x) {
    return rigorous ? select(x.residual > 0.0, one_up(x.value), x.value) : x.value;
}
GONOGO_INLINE F64 down(const Exact& x) {
    return rigorous ? select(x.residual < 0.0, -one_up(-x.value), x.value) : x.value;
}

GONOGO_INLINE I64 finite(F64 x) {
    return x - x == 0.0;
}

GONOGO_INLINE Exact sum(F64 a, F64 b, I64& right) {
    const F64 s = a + b;
    const F64 bb = s - a;
    const F64 e = (a - (s - bb)) + (b - bb);
    right &= finite(e);
    return {s, e};
}

GONOGO_INLINE Exact product(F64 a, F64 b, I64& right) {
    const F64 p = a * b;
    F64 e;
    if constexpr (fused) {
        e = mul_add(a, b, -p);
    } else {
        constexpr double splitter = 0x1p27 + 1.0;
        const F64 ca = splitter * a;
        const F64 ah = ca - (ca - a);
        const F64 al = a - ah;
        const F64 cb = splitter * b;
        const F64 bh = cb - (cb - b);
        const F64 bl = b - bh;
        e = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    }
    right &= finite(e) & ((abs(p) >= floor) | (a == 0.0) | (b == 0.0));
    return {p, e};
}

GONOGO_INLINE Exact quotient(F64 a, F64 b, I64& right) {
    const F64 q = a / b;
    I64 exact = right;
    const Exact p = product(q, b, exact);
    right &= (exact & (abs(q) >= floor) & (abs(p.value) >= floor)) | (a == 0.0);
    return {q, (a - p.value) - p.residual};
}

struct Lanes {
    F64 lo;
    F64 hi;
};

GONOGO_INLINE Lanes add_lanes(const Lanes& a, const Lanes& b, I64& right) {
    return {down(sum(a.lo, b.lo, right)), up(sum(a.hi, b.hi, right))};
}

GONOGO_INLINE Lanes sub_lanes(const Lanes& a, const Lanes& b, I64& right) {
    return {down(sum(a.lo, -b.hi, right)), up(sum(a.hi, -b.lo, right))};
}

// All four corners: as many operations as telling the signs apart in every lane.
GONOGO_INLINE Lanes mul_lanes(const Lanes& a, const Lanes& b, I64& right) {
    const Exact p = product(a.lo, b.lo, right), q = product(a.lo, b.hi, right);
    const Exact r = product(a.hi, b.lo, right), s = product(a.hi, b.hi, right);
    return {min(min(down(p), down(q)), min(down(r), down(s))), max(max(up(p), up(q)), max(up(r), up(s)))};
}

// Corners as in interval.cpp, after turning b < 0 into b > 0 by negating both.
GONOGO_INLINE Lanes div_lanes(const Lanes& a, const Lanes& b, I64& right) {
    const I64 negative = b.hi < 0.0;
    const Lanes x{select(negative, -a.hi, a.lo), select(negative, -a.lo, a.hi)};
    const Lanes y{select(negative, -b.hi, b.lo), select(negative, -b.lo, b.hi)};
    right &= (y.lo > 0.0) & finite(y.hi);
    return {down(quotient(x.lo, select(x.lo >= 0.0, y.hi, y.lo), right)),
            up(quotient(x.hi, select(x.hi <= 0.0, y.hi, y.lo), right))};
}

GONOGO_INLINE Lanes sqr_lanes(const Lanes& a, const Lanes&, I64& right) {
    const F64 below = max(max(a.lo, -a.hi), F64{}), above = max(-a.lo, a.hi);
    return {down(product(below, below, right)), up(product(above, above, right))};
}

template <Lanes (*f)(const Lanes&, const Lanes&, I64&), bool two>
bool run(const ArithmeticBlock& block) {
    I64 right = ~I64{};
    for (int i = 0; i < arithmetic_block; i += f64_lanes) {
        const Lanes a{load<F64>(block.a_lo + i), load<F64>(block.a_hi + i)};
        const Lanes b = two ? Lanes{load<F64>(block.b_lo + i), load<F64>(block.b_hi + i)} : a;
        const Lanes y = f(a, b, right);
        store(block.lo + i, y.lo + 0.0);  // no -0
        store(block.hi + i, y.hi + 0.0);
    }
    return !any(~right);
}

}  // namespace

constexpr ArithmeticKernels arithmetic_kernels{run<add_lanes, true>, run<sub_lanes, true>, run<mul_lanes, true>,
                                               run<div_lanes, true>, run<sqr_lanes, false>};

}  // namespace gonogo::numeric::GONOGO_TARGET
