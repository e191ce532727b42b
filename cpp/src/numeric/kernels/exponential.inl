// exp, exp2, expm1, tanh, sigmoid. u = 2^-53. Theorems 9, 10 and 12 of docs/soundness.md: in the mode to nearest and
// with subnormals, end<D>(x) for least <= x <= most and far_end<D>(x) for any x but NaN are bounds on f(x), lower ones
// for D = -1, upper ones for D = +1.
#include "numeric/kernels/elementary.hpp"
#include "numeric/kernels/exponential_core.inl"

namespace gonogo::numeric::GONOGO_TARGET {

// An unnamed namespace: the structs' names are shared with nobody.
namespace {

// A bound on the number that m = head + tail is within `bound` of. m < 2, so the last sum rounds by at most u. Lanes in
// `exact` give 1.
template <int D, class V, class Mask>
GONOGO_INLINE V bound_below_two(Sum<V> m, double bound, Mask exact) {
    return m.value + select(exact, m.error, m.error + splat<V>(D * outward(bound)));
}
constexpr double exp_outward = 0x1.aap-53;   // exp_short_absolute, the rounding of the tail, u
constexpr double exp2_outward = 0x1.54p-53;  // exp_absolute instead

// From a bound y on a number to one on 2^n times it. The product rounds where it is subnormal: one step further.
template <int D, class V>
GONOGO_INLINE V scaled_end(V y, V shifted) {
    const V inf = splat<V>(infinity), zero = splat<V>(0.0);
    const V z = scale_any(y, shifted);
    const V stepped = select((z > splat<V>(0x1p-1022)) & (z < inf), z, step_positive<D>(z));
    return D < 0 ? select(z > zero, stepped, zero) : select(z < inf, stepped, inf);
}

// e^x = 2^n e^r (Theorem 9)
struct Exp {
    // Results and powers are normal numbers.
    static constexpr double least = -708.0, most = 709.0;

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const Reduced<V> r = reduce(x);
        const V m = bound_below_two<D>(exponential_short(r.high), exp_outward, x == splat<V>(0.0));
        return scale_normal(m, r.shifted);
    }

    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const Reduced<V> r = reduce(min(max(x, splat<V>(-746.0)), splat<V>(710.0)));
        const V m = bound_below_two<D>(exponential_short(r.high), exp_outward, x == splat<V>(0.0));
        const V z = scaled_end<D>(m, r.shifted);
        return D < 0 ? z : select(x == splat<V>(-infinity), splat<V>(0.0), z);
    }
};

// 2^x = 2^n e^(f ln 2); exact for whole x (Theorem 9)
struct Exp2 {
    static constexpr double least = -1021.0, most = 1023.0;
    static constexpr double ln2 = 0x1.62e42fefa39efp-1;        // RN(ln 2)
    static constexpr double ln2_head = 0x1.62e42ep-1;          // its first 24 bits
    static constexpr double ln2_rest = 0x1.efa39ef35793cp-25;  // RN(ln 2 - ln2_head)

    template <class V>
    struct Split {
        Reduced<V> r;
        V fraction;
    };

    // x = n + f exactly, f ln 2 = high + low.
    template <class V>
    GONOGO_INLINE static Split<V> split(V x) {
        const V shifted = x + splat<V>(shifter);
        const V f = x - (shifted - splat<V>(shifter));
        const V first = from_bits(bits(f) & ~std::int64_t{0x7FFFFFF});
        const V rest = mul_add(first, splat<V>(ln2_rest), (f - first) * splat<V>(ln2));
        const auto [high, low] = fast_two_sum(first * splat<V>(ln2_head), rest);
        return {{shifted, high, low}, f};
    }

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const auto [r, f] = split(x);
        return scale_normal(bound_below_two<D>(exponential(r), exp2_outward, f == splat<V>(0.0)), r.shifted);
    }

    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const auto [r, f] = split(min(max(x, splat<V>(-1080.0)), splat<V>(1025.0)));
        const auto whole = f == splat<V>(0.0);
        const V m = bound_below_two<D>(exponential(r), exp2_outward, whole);
        const V z = select(whole & (x >= splat<V>(-1074.0)) & (x <= splat<V>(most)), scale_any(m, r.shifted),
                           scaled_end<D>(m, r.shifted));
        return D < 0 ? z : select(x == splat<V>(-infinity), splat<V>(0.0), z);
    }
};

// (e^x - 1) / 2^n = (1 - 2^-n) + r + (e^r - 1 - r); the first sum is exact for n >= -52
// (Theorem 10).
struct Expm1 {
    static constexpr double least = -36.0, most = 709.0;
    static constexpr double quadratic = 0x1.8ap-52;  // bounds the error of the polynomial part over r^2
    static constexpr double linear = 0x1p-76;        // and of the reduction over |head|

    // What lies at most 2^-1000 above expm1(x) / 2^n counts as that.
    template <int D, class V>
    GONOGO_INLINE static V reduced_end(const Reduced<V>& r, V inverse_power) {
        const V one = splat<V>(1.0);
        const auto [whole, cut] = fast_two_sum(one, -inverse_power);
        const auto [head, rest] = fast_two_sum(whole, r.high);
        const V square = r.high * r.high;
        const V tail = mul_add(square, second_order(r.high, square), mul_add(r.low, one + r.high, rest + cut));
        const V error = mul_add(abs(head), splat<V>(outward(linear)), square * splat<V>(outward(quadratic)));
        return head + (D > 0 ? tail + error : tail - error);
    }

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const Reduced<V> r = reduce(x);
        const V inverse = from_bits(splat<Bits<V>>(__builtin_bit_cast(std::int64_t, 1.0)) - (bits(r.shifted) << 52));
        const V z = step<D>(reduced_end<D>(r, inverse) * power_of_two(r.shifted));
        if constexpr (D < 0) {
            return max(max(z, x), splat<V>(-1.0));  // e^x - 1 >= x
        } else {
            return select(x == splat<V>(0.0), x, z);
        }
    }

    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const V bottom = splat<V>(least), top = splat<V>(most), inf = splat<V>(infinity);
        const V near = end<D>(min(max(x, bottom), top));
        const V c = min(max(x, top), splat<V>(710.0));
        const Reduced<V> r = reduce(c);
        const V z = scale_any(reduced_end<D>(r, splat<V>(0.0)), r.shifted);
        const V above = D < 0 ? step_positive<D>(z) : select(z < inf, step_positive<D>(z), inf);
        // e^-36 < 3 u, e^-37 < u
        const V below =
            D < 0 ? splat<V>(-1.0) : select(x < splat<V>(-37.0), splat<V>(-1.0 + 0x1p-53), splat<V>(-1.0 + 0x3p-53));
        return select(x < bottom, below, select(x > top, above, near));
    }
};

// 1/d within a relative error of 2^-13 and of 2^-41, 1 <= d <= 2.
template <class V>
struct Inverse {
    V rough, fine;
};
GONOGO_INLINE Inverse<double> inverse(double d) {
    return {1.0 / d, 1.0 / d};
}
GONOGO_INLINE Inverse<F64> inverse(F64 d) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    const F64 y = _mm512_maskz_rcp14_pd(0xFF, d);  // (1 - e) / d with |e| < 2^-14
    const F64 e = mul_add(-d, y, splat<F64>(1.0));
    return {y, mul_add(y, mul_add(e, e, e), y)};  // (1 - e^3) / d
#else
    return {1.0 / d, 1.0 / d};
#endif
}

// quotient + correction ~ (a + a') / (d + d') for |a'| <= 4 u |a|, |d'| <= 4 u |d|, 1 <= d <= 2. Where products round,
// the quotient has 26 bits only, so that its products with the halves of d are exact (Theorem 12).
template <class V>
GONOGO_INLINE Sum<V> divide(Sum<V> a, Sum<V> d) {
    const auto [rough, fine] = inverse(d.value);
    V q = a.value * rough, residual;
    if constexpr (fused) {
        residual = mul_add(-q, d.value, a.value);
    } else {
        const V upper = from_bits(bits(d.value) & ~std::int64_t{0x7FFFFFF});
        q = from_bits(bits(q) & ~std::int64_t{0x7FFFFFF});
        residual = (a.value - q * upper) - q * (d.value - upper);
    }
    return {q, (residual + mul_add(-q, d.error, a.error)) * fine};
}

// With z = e^(-2|x|): tanh |x| = (1 - z) / (1 + z). For large |x| z vanishes, for small |x| 1 - z is exact to second
// order (Theorem 12).
struct Tanh {
    static constexpr double least = -350.0, most = 350.0;
    static constexpr double relative = 0x1.a4p-53;  // error of the quotient and of the last sum
    static constexpr double tiny = 0x1p-900;        // products of smaller ones may underflow

    template <class V>
    GONOGO_INLINE static bool regular(V lo, V hi) {
        return zero_or_above(lo, hi, tiny);
    }

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const V one = splat<V>(1.0);
        const V size = abs(x);
        const V sign = from_bits(bits(x) ^ bits(size));
        const Reduced<V> r = reduce(size * splat<V>(-2.0));
        const V power = from_bits(splat<Bits<V>>(__builtin_bit_cast(std::int64_t, -1.0)) + (bits(r.shifted) << 52));
        const auto [head, rest] = fast_two_sum(one + power, power * r.high);  // power = -2^n
        const V square = r.high * r.high;
        const V tail = mul_add(square, second_order(r.high, square), mul_add(r.low, r.high, r.low));
        const Sum<V> a = fast_two_sum(head, mul_add(power, tail, rest));
        const auto [d, d_rest] = fast_two_sum(splat<V>(2.0), -a.value);
        const auto [q, correction] = divide(a, Sum<V>{d, d_rest - a.error});
        const V error = from_bits(bits(q * splat<V>(D * outward(relative))) ^ bits(sign));
        const V y = min(q + (correction + error), min(size, one));
        return from_bits(bits(y) ^ bits(sign));
    }

    // |x| - |x|^3 / 3 < tanh |x| < |x|, and for tiny x the cube is far below a step; 1 - tanh 350 < 2^-1000.
    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const V zero = splat<V>(0.0);
        const auto inward = D > 0 ? x < zero : x > zero;
        const V y = end<D>(min(max(x, splat<V>(least)), splat<V>(most)));
        return select((abs(x) < splat<V>(tiny)) & (x != zero), select(inward, step<D>(x), x), y);
    }
};

// With z = e^-|x|: sigmoid(x) = 1 / (1 + z) for x >= 0 and z / (1 + z) for x <= 0 (Theorem 12).
struct Sigmoid {
    static constexpr double least = -708.0, most = 708.0;
    static constexpr double relative_left = 0x1.4p-53;
    static constexpr double absolute_right = 0x1.5cp-54;  // the last sum is below 1

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const V one = splat<V>(1.0), zero = splat<V>(0.0);
        const Reduced<V> r = reduce(from_bits(bits(x) | INT64_MIN));
        const auto [head, tail] = exponential(r);
        const auto m = fast_two_sum(head, tail);
        const V power = power_of_two(r.shifted);
        const auto [d, d_rest] = fast_two_sum(one, m.value * power);
        const auto left = D < 0 ? x < zero : x <= zero;
        const auto [q, correction] = divide(Sum<V>{select(left, m.value, one), select(left, m.error, zero)},
                                            Sum<V>{d, mul_add(m.error, power, d_rest)});
        const V error = select(left, q * splat<V>(D * outward(relative_left)), splat<V>(D * outward(absolute_right)));
        const V y = (q + (correction + error)) * select(left, power, one);
        // sigmoid(x) - 1/2 has the sign of x
        if constexpr (D < 0) {
            return max(y, select(left, zero, splat<V>(0.5)));
        } else {
            return min(y, select(left, splat<V>(0.5), one));
        }
    }

    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {
        const V near = end<D>(min(max(x, splat<V>(least)), splat<V>(most)));
        // e^x (1 - 2^-1000) < sigmoid(x) < e^x, and Exp's bounds leave more than that
        return select(x < splat<V>(least), Exp::far_end<D>(x), near);
    }
};

constexpr NamedConstant exponential_constants[] = {{"ln2_high", ln2_high},
                                                   {"ln2_low", ln2_low},
                                                   {"inverse_ln2", inverse_ln2},
                                                   {"ln2", Exp2::ln2},
                                                   {"ln2_head", Exp2::ln2_head},
                                                   {"ln2_rest", Exp2::ln2_rest},
                                                   {"exponential_0", exponential_coefficients[0]},
                                                   {"exponential_1", exponential_coefficients[1]},
                                                   {"exponential_2", exponential_coefficients[2]},
                                                   {"exponential_3", exponential_coefficients[3]},
                                                   {"exponential_4", exponential_coefficients[4]},
                                                   {"exponential_5", exponential_coefficients[5]},
                                                   {"exponential_6", exponential_coefficients[6]},
                                                   {"exponential_7", exponential_coefficients[7]},
                                                   {"exponential_8", exponential_coefficients[8]},
                                                   {"exponential_9", exponential_coefficients[9]},
                                                   {"exp_absolute", exp_absolute},
                                                   {"exp_short_absolute", exp_short_absolute},
                                                   {"exp_outward", exp_outward},
                                                   {"exp2_outward", exp2_outward},
                                                   {"expm1_quadratic", Expm1::quadratic},
                                                   {"expm1_linear", Expm1::linear},
                                                   {"tanh_relative", Tanh::relative},
                                                   {"sigmoid_relative_left", Sigmoid::relative_left},
                                                   {"sigmoid_absolute_right", Sigmoid::absolute_right},
                                                   {nullptr, 0.0}};

template <class V>
constexpr ExponentialKernels exponential_table = {map<increasing<Exp>, V>,     map<increasing<Expm1>, V>,
                                                  map<increasing<Exp2>, V>,    map<increasing<Tanh>, V>,
                                                  map<increasing<Sigmoid>, V>, exponential_constants};

}  // namespace

}  // namespace gonogo::numeric::GONOGO_TARGET
