// log, log1p, log2 and softplus. u = 2^-53. The error bounds are derived by tests/numeric/logarithm_bounds.py and held
// against the numbers here by tests/numeric/test_logarithms.py; proofs in docs/soundness.md.
//
// Theorem 11. Let s be the exact value of the last sum that the code rounds. Then |s - f(x)| <= b |f(x)|, where b is
// log_relative, log2_relative, log1p_relative, with and without fused multiply-add. So by the lemma of one step the
// rounded sum moved by one float is a bound. It stays where it is exact: log 1, log1p 0, log2 2^n. Theorem 24. For -700
// <= x <= 2^1000 `Softplus::end` bounds log(1 + e^x): before the last sum is rounded it is moved by softplus_outward
// times its first part, which covers that rounding too.
#include "numeric/kernels/elementary.hpp"
#include "numeric/kernels/exponential_core.inl"
#include "numeric/kernels/signed_steps.inl"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr double log_two_high = 0x1.62e42fefa2p-1;     // ln 2 cut to a multiple of 2^-40: n * log_two_high is exact
constexpr double log_two_low = 0x1.9ef35793c7673p-41;  // RN(ln 2 - log_two_high)
constexpr double log2_e_high = 0x1.715476p0;           // 1 / ln 2 cut to 26 bits
constexpr double log2_e_low = 0x1.4ae0bf85ddf44p-26;   // RN(1 / ln 2 - log2_e_high)
constexpr double smallest_factor = 0x1.62p-1;          // 1 + f lies in [smallest_factor, 2 smallest_factor)
constexpr double log_relative = 0x1.3p-55;             // 0.297 u
constexpr double log2_relative = 0x1.8p-55;            // 0.375 u
constexpr double log1p_relative = 0x1.5p-55;           // 0.328 u
static_assert(one_step_covers(log_relative) && one_step_covers(log2_relative) && one_step_covers(log1p_relative));
constexpr double softplus_outward = 0x1.cp-53;  // 1.75 u

// (2 atanh(s) / s - 2) / s^2 as a polynomial in s^2, and 1 / (1 + f) to two digits: scripts/elementary/logarithm.sollya
constexpr double atanh_coefficients[] = {0x1.5555555555555p-1, 0x1.9999999999d98p-2, 0x1.24924924248e3p-2,
                                         0x1.c71c726e47d69p-3, 0x1.745cd45df2a9p-3,  0x1.3b22c23f52d9ep-3,
                                         0x1.0f26f2c75a74fp-3, 0x1.11786057c4b68p-3};
constexpr double reciprocal_coefficients[] = {0x1.ffep-1, -0x1.17ap0, 0x1.09ep0};

// x = 2^n (1 + f), exactly, for normal x > 0; biased = n + 1023
template <class V>
struct Binade {
    V n, f;
    Bits<V> biased;
};

template <class V>
GONOGO_INLINE Binade<V> binade(V x) {
    constexpr auto one = __builtin_bit_cast(std::int64_t, 1.0);
    constexpr std::int64_t shift = one - __builtin_bit_cast(std::int64_t, smallest_factor);
    const Bits<V> biased = shift_right(wrapping_sum(bits(x), splat<Bits<V>>(shift)), 52);
    const V factor =
        from_bits(wrapping_sum(wrapping_sum(bits(x), ~(biased << 52)), splat<Bits<V>>(one + 1)));  // ~v + 1 = -v
    // an integer below 2^52 in the last bits of 2^52
    const V n = from_bits(biased | __builtin_bit_cast(std::int64_t, 0x1p52)) - (0x1p52 + 1023.0);
    return {n, factor - 1.0, biased};
}

// For subnormal numbers too.
template <class V>
GONOGO_INLINE Binade<V> binade_of_any(V x) {
    const auto small = x < 0x1p-1022;
    Binade<V> b = binade(select(small, x * 0x1p54, x));
    b.n -= select(small, splat<V>(54.0), V{});
    return b;
}

// high + low ~ log(1 + f). With s = f/(2 + f) and z = s^2: log(1 + f) = 2 atanh s = f - f^2/2 + s (f^2/2 + z P(z)). The
// square is taken in two parts, the first exact, so that only small terms are rounded.
template <class V>
struct LogParts {
    V high, low;
};

template <class V>
GONOGO_INLINE LogParts<V> log_parts(V f) {
    const V s = f / (2.0 + f);
    const V z = s * s;
    const V p = polynomial(z, atanh_coefficients);
    const V f_high = leading(f);
    const V square_high = (0.5 * f_high) * f_high;
    const V square_low = (0.5 * (f - f_high)) * (f + f_high);
    const auto [high, rest] = fast_two_sum(f, -square_high);
    return {high, mul_add(s, mul_add(z, p, square_high + square_low), rest - square_low)};
}

// An approximation, and where it is the value itself.
template <class V>
struct Nearest {
    V value;
    decltype(V{} == V{}) exact;
};

// n ln 2 + high + low; the first sum is exact because |n ln 2| >= |high| or n = 0.
template <class V>
GONOGO_INLINE Nearest<V> add_log_two(V n, const LogParts<V>& a) {
    const auto [head, rest] = fast_two_sum(n * log_two_high, a.high);
    const V y = head + (rest + mul_add(n, splat<V>(log_two_low), a.low));
    return {y, y == V{}};  // not zero where the value isn't
}

struct Log {
    static constexpr double pole = 0.0;
    static constexpr double least = 0x1p-1022;  // from here on `nearest` applies

    template <class V>
    GONOGO_INLINE static Nearest<V> at(const Binade<V>& x) {
        return add_log_two(x.n, log_parts(x.f));
    }
    template <class V>
    GONOGO_INLINE static Nearest<V> nearest(V x) {
        return at(binade(x));
    }
    template <class V>
    GONOGO_INLINE static Nearest<V> nearest_anywhere(V x) {
        return at(binade_of_any(x));
    }
};

// n + (high + low) / ln 2: the leading 26 bits of high times those of 1 / ln 2 are exact, the rest is small.
struct Log2 {
    static constexpr double pole = 0.0;
    static constexpr double least = 0x1p-1022;

    template <class V>
    GONOGO_INLINE static Nearest<V> at(const Binade<V>& x) {
        const auto [high, low] = log_parts(x.f);
        const V first = leading(high);
        const V second = (high - first) + low;
        const auto [head, rest] = fast_two_sum(x.n, first * log2_e_high);
        const V y = head + (rest + mul_add(high + low, splat<V>(log2_e_low), second * log2_e_high));
        return {y, x.f == V{}};
    }
    template <class V>
    GONOGO_INLINE static Nearest<V> nearest(V x) {
        return at(binade(x));
    }
    template <class V>
    GONOGO_INLINE static Nearest<V> nearest_anywhere(V x) {
        return at(binade_of_any(x));
    }
};

// 1 + x = w + c exactly. For n = 0 f is x itself, so that small x lose nothing; else f + d = 2^-n (w + c) - 1 with |d|
// <= u, and log(1 + f + d) is log(1 + f) + d / (1 + f) up to d^2.
struct Log1p {
    static constexpr double pole = -1.0;
    static constexpr double least = -1.0 + 0x1p-53;

    template <class V>
    GONOGO_INLINE static Nearest<V> nearest(V x) {
        const V w = 1.0 + x;
        const V one = w - x;
        const V c = (1.0 - one) + (x - (w - one));
        const Binade<V> b = binade(w);
        const Bits<V> exponent =
            splat<Bits<V>>(std::int64_t{2046}) - b.biased;  // of 2^-n; beyond 2^1022 c / w is nothing
        const V d = c * select(exponent > 0, from_bits(exponent << 52), V{});
        const auto small = b.n == V{};
        LogParts<V> a = log_parts(select(small, x, b.f));
        a.low = mul_add(select(small, V{}, d), polynomial(b.f, reciprocal_coefficients), a.low);
        return add_log_two(b.n, a);
    }
    template <class V>
    GONOGO_INLINE static Nearest<V> nearest_anywhere(V x) {
        return nearest(x);
    }
};

template <int D, class V>
GONOGO_INLINE V stepped(const Nearest<V>& y) {
    return step_floats<D>(y.value, y.exact);
}

// Only parts beyond the pole have values; the limit there is -inf. [lo, hi] without such a part gives empty.
template <class F>
struct Logarithm {
    static constexpr double least = F::least, most = largest;

    template <class V>
    GONOGO_INLINE static Ends<V> ends(V lo, V hi) {
        return {stepped<-1>(F::nearest(lo)), stepped<+1>(F::nearest(hi))};
    }
    template <class V>
    GONOGO_INLINE static Ends<V> far_ends(V lo, V hi) {
        const V inf = splat<V>(infinity);
        const auto empty = hi <= splat<V>(F::pole);
        const V low = select(lo <= splat<V>(F::pole), -inf, stepped<-1>(F::nearest_anywhere(lo)));
        const V high = select(hi == inf, inf, stepped<+1>(F::nearest_anywhere(hi)));
        return {select(empty, inf, low), select(empty, -inf, high)};
    }
};

// log(1 + e^x) = max(x, 0) + log1p(t + t_rest), where t + t_rest = e^-|x| but for an error of exp_absolute 2^n.
struct Softplus {
    static constexpr double least = -700.0, most = 0x1p1000;

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const V one = splat<V>(1.0), zero = splat<V>(0.0);
        // beyond 700 the logarithm is below 2^-1000
        const Reduced<V> r = reduce(max(-abs(x), splat<V>(least)));
        const Sum<V> e = exponential(r);
        const auto [head, tail] = fast_two_sum(e.value, e.error);
        const V scale = power_of_two(r.shifted);
        const V t = head * scale, t_rest = tail * scale;
        // 1 + t + t_rest = 2^n (1 + f + d), n = 0 or 1
        const auto [w, c] = fast_two_sum(one, t);
        const auto halved = w >= splat<V>(2.0 * smallest_factor);
        const V n = select(halved, one, zero);
        const V f = select(halved, 0.5 * w - 1.0, t);
        const V d = select(halved, 0.5 * (c + t_rest), t_rest);
        LogParts<V> a = log_parts(f);
        a.low = mul_add(d, polynomial(f, reciprocal_coefficients), a.low);
        const auto [log_head, log_rest] = fast_two_sum(n * log_two_high, a.high);
        const V whole = max(x, zero);
        const auto [y, rest] = fast_two_sum(max(whole, log_head), min(whole, log_head));
        const V small = rest + (log_rest + mul_add(n, splat<V>(log_two_low), a.low));
        return y + mul_add(y, splat<V>(D * outward(softplus_outward)), small);
    }

    // Below: e^x - e^2x < softplus(x) < e^x, and e^2x is far below the grid. Above: x < softplus(x) < the next float.
    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const V bottom = splat<V>(least), top = splat<V>(most), inf = splat<V>(infinity);
        const Reduced<V> r = reduce(min(max(x, splat<V>(-746.0)), bottom));
        const Sum<V> e = exponential(r);
        const V z = scale_any(e.value + e.error, r.shifted);
        const V once = step_floats<D>(z, D < 0 ? z == V{} : x == -inf);
        const V below = D < 0 ? step_floats<D>(once, once == V{}) : once;
        const V above = D < 0 ? min(x, splat<V>(largest)) : step_floats<1>(x, x == inf);
        const V near = end<D>(min(max(x, bottom), top));
        return select(x < bottom, select(x == -inf, splat<V>(0.0), below), select(x > top, above, near));
    }
};

constexpr NamedConstant logarithm_constants[] = {
    {"log_two_high", log_two_high},     {"log_two_low", log_two_low},           {"log2_e_high", log2_e_high},
    {"log2_e_low", log2_e_low},         {"log_relative", log_relative},         {"log2_relative", log2_relative},
    {"log1p_relative", log1p_relative}, {"softplus_outward", softplus_outward}, {nullptr, 0.0}};

template <class V>
constexpr LogarithmKernels logarithm_table = {map<Logarithm<Log>, V>, map<Logarithm<Log1p>, V>, map<Logarithm<Log2>, V>,
                                              map<increasing<Softplus>, V>, logarithm_constants};

}  // namespace

}  // namespace gonogo::numeric::GONOGO_TARGET
