// The exponential of a reduced argument, shared by exp and all that is made of it. u = 2^-53. The constants are held
// against their derivation by tests/numeric/test_exponential_proofs.py; proofs in docs/soundness.md (Theorems 8 and 9).
#include "numeric/kernels/elementary_common.inl"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr double shifter = 0x1.8p52;                  // adding it rounds to an integer
constexpr double inverse_ln2 = 0x1.71547652b82fep+0;  // RN(1 / ln 2)
constexpr double ln2_high = 0x1.62e42fefa2p-1;        // ln 2 cut to a multiple of 2^-40: n * ln2_high is exact
constexpr double ln2_low = 0x1.9ef35793c7673p-41;     // RN(ln 2 - ln2_high)

// e^r ~ 1 + r + r^2 (1/2 + r (c[0] + c[1] r + ...)), scripts/elementary/exponential.sollya
constexpr double exponential_coefficients[] = {
    0x1.555555555555bp-3,  0x1.555555555555ap-5,  0x1.111111110ed9cp-7,  0x1.6c16c16c141fep-10, 0x1.a01a01b320097p-13,
    0x1.a01a01b1c9edap-16, 0x1.71ddf0dd2542ap-19, 0x1.27e4c32c5f682p-22, 0x1.af6ad8130a6a3p-26, 0x1.1f991f53d3776p-29};

// x = n ln 2 + high + low, n = shifted - shifter
template <class V>
struct Reduced {
    V shifted, high, low;
};

// Theorem 8. |x| <= 746.
template <class V>
GONOGO_INLINE Reduced<V> reduce(V x) {
    const V shifted = mul_add(x, splat<V>(inverse_ln2), splat<V>(shifter));
    const V n = shifted - splat<V>(shifter);
    const V rest = mul_add(n, splat<V>(-ln2_high), x);
    const V high = mul_add(n, splat<V>(-ln2_low), rest);
    return {shifted, high, mul_add(n, splat<V>(-ln2_low), rest - high)};
}

// 1/2 + r/6 + ... ~ (e^r - 1 - r) / r^2, the powers of even and of odd degree apart
template <class V>
GONOGO_INLINE V second_order(V r, V square) {
    constexpr auto& c = exponential_coefficients;
    V odd = splat<V>(c[8]), even = splat<V>(c[9]);
#pragma GCC unroll 4
    for (int i = 6; i >= 0; i -= 2) {
        odd = mul_add(odd, square, splat<V>(c[i]));
        even = mul_add(even, square, splat<V>(c[i + 1]));
    }
    return mul_add(r, mul_add(even, r, odd), splat<V>(0.5));
}

// Theorem 9: |e^(high + low) - (head + tail)| <= exp_absolute, or exp_short_absolute when low is left out; head + tail
// is within [0.7, 1.42] and |tail| < 0.08.
constexpr double exp_absolute = 0x1.0ap-55;
constexpr double exp_short_absolute = 0x1.32p-54;

template <class V>
GONOGO_INLINE Sum<V> exponential(const Reduced<V>& r) {
    const auto [head, rest] = fast_two_sum(splat<V>(1.0), r.high);
    const V square = r.high * r.high;
    return {head, mul_add(square, second_order(r.high, square), mul_add(r.low, head, rest))};
}

template <class V>
GONOGO_INLINE Sum<V> exponential_short(V high) {
    const auto [head, rest] = fast_two_sum(splat<V>(1.0), high);
    const V square = high * high;
    return {head, mul_add(square, second_order(high, square), rest)};
}

// 2^n for -1022 <= n <= 1023; 0 for n = -1023.
template <class V>
GONOGO_INLINE V power_of_two(V shifted) {
    return from_bits(splat<Bits<V>>(__builtin_bit_cast(std::int64_t, 1.0)) + (bits(shifted) << 52));
}

// y 2^n, y > 0, both in the normal range.
template <class V>
GONOGO_INLINE V scale_normal(V y, V shifted) {
    return from_bits(bits(y) + (bits(shifted) << 52));
}

// RN(y 2^n) for |n| <= 1090 and y in [1/2, 2]: one exact product, and one that rounds when the result is subnormal.
template <class V>
GONOGO_INLINE V scale_any(V y, V shifted) {
    const Bits<V> n = bits(shifted) - splat<Bits<V>>(__builtin_bit_cast(std::int64_t, shifter));
    const Bits<V> half = n >> 1;
    const Bits<V> bias = splat<Bits<V>>(std::int64_t{1023});
    return y * from_bits((half + bias) << 52) * from_bits((n - half + bias) << 52);
}

}  // namespace

}  // namespace gonogo::numeric::GONOGO_TARGET
