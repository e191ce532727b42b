// sin and cos. u = 2^-53. The error bounds are derived by tests/numeric/trigonometric_bounds.py and held against the
// numbers here by tests/numeric/test_trigonometric.py; proofs in docs/soundness.md.
//
// Theorem 21 (reduction). x = n pi/2 + r with |r| <= 0.7854, and the computed high + low differs from r by at most
// 2^-66 |r|; n mod 4 and the sign of high, which is that of r, are exact. Theorem 22 (kernel). Let s be the exact value
// of the last sum of `sine` or `cosine`. Then |s - sin r| <= sine_relative |sin r| and |s - cos r| <= cosine_relative
// cos r, with and without fused multiply-add; by the lemma of one step one float further out is a bound. Theorem 23
// (intervals). The quadrants of the ends and the computed hi - lo decide which extremes lie between them.
#include "numeric/kernels/elementary.hpp"
#include "numeric/kernels/elementary_common.inl"
#include "numeric/kernels/signed_steps.inl"
#include "numeric/kernels/trigonometric_reduction.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr double quarter_shifter = 0x1.8p52;  // adding it rounds to an integer
constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
// pi/2 in parts: 33 bits, 33 bits, rounded; n times the first two are exact for |n| <= 2^20.
constexpr double half_pi_1 = 0x1.921fb544p0, half_pi_2 = 0x1.0b4611a6p-34, half_pi_3 = 0x1.3198a2e037073p-69;
constexpr double fast_limit = 0x1.9p20;        // |x| up to here has |n| <= 2^20
constexpr double near_multiple = 0x1p-30;      // below this |r| cancels too many digits, unless n = 0
constexpr double sine_relative = 0x1.fcp-55;   // 0.496 u
constexpr double cosine_relative = 0x1.0p-55;  // 0.25 u
static_assert(one_step_covers(sine_relative) && one_step_covers(cosine_relative));

// (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2/2) / r^4 in r^2: scripts/elementary/trigonometric.sollya
constexpr double sine_coefficients[] = {-0x1.5555555555555p-3, 0x1.111111111101ep-7,   -0x1.a01a019fe884cp-13,
                                        0x1.71de3a1032ce5p-19, -0x1.ae63f7f5d45c6p-26, 0x1.60e5c369cd47bp-33,
                                        -0x1.8d4c2cd3cf2a1p-41};
constexpr double cosine_coefficients[] = {0x1.5555555555555p-5,   -0x1.6c16c16c168ccp-10, 0x1.a01a019f38b6dp-16,
                                          -0x1.27e4fa037cc15p-22, 0x1.1eeb586537317p-29,  -0x1.9073e56374aa9p-37};

// r ~ high + low, n mod 4; `certain` where n = 0 or the relative error is small enough.
template <class V>
struct Quarters {
    V high, low;
    Bits<V> n;
    decltype(V{} == V{}) certain;
};

template <class V>
GONOGO_INLINE Quarters<V> reduce_quarters(V x) {
    const V shifted = mul_add(x, splat<V>(two_over_pi), splat<V>(quarter_shifter));
    const V n = shifted - quarter_shifter;
    const V first = x - n * half_pi_1;  // exact
    const V second = n * half_pi_2;     // exact
    const V sum = first - second;       // and its error, by Knuth's two_sum
    const V part = sum - first;
    const V error = (first - (sum - part)) - (second + part);
    const auto [high, low] = fast_two_sum(sum, mul_add(n, splat<V>(-half_pi_3), error));
    return {high, low, bits(shifted) & 3, select(n == V{}, splat<V>(1.0), abs(high)) > near_multiple};
}

// For every x: lanes that `reduce_quarters` can't do well go through integers, the others get the same bits as above.
template <class V>
[[gnu::noinline]] Quarters<V> reduce_far(V x) {
    constexpr auto lanes = sizeof(V) / sizeof(double);
    Quarters<V> r = reduce_quarters(x);
    const auto fast = r.certain & (abs(x) <= fast_limit);
    double arguments[lanes], high[lanes], low[lanes], certain[lanes];
    std::int64_t n[lanes];
    store(arguments, x);
    store(high, r.high);
    store(low, r.low);
    store(n, r.n);
    store(certain, select(fast, splat<V>(1.0), V{}));
    for (decltype(sizeof(V)) i = 0; i < lanes; ++i) {
        if (certain[i] == 0.0) {
            const ExactQuarters exact = reduce_quarters_exactly(arguments[i]);
            high[i] = exact.high;
            low[i] = exact.low;
            n[i] = exact.n;
            certain[i] = exact.certain ? 1.0 : 0.0;
        }
    }
    return {load<V>(high), load<V>(low), load<Bits<V>>(n), load<V>(certain) != V{}};
}

// sin(r) for even n, cos(r) for odd n, with the sign of the quadrant; not yet stepped outward.
template <class V>
GONOGO_INLINE V sine_of_quarters(const Quarters<V>& r, std::int64_t offset) {
    const V z = r.high * r.high;
    // 1 - high^2/2 in two parts: the square of the leading bits is exact, the rest small.
    const V leading_high = leading(r.high);
    const V square = (0.5 * leading_high) * leading_high;
    const V square_rest = (0.5 * (r.high - leading_high)) * (r.high + leading_high);
    const auto [one, one_rest] = fast_two_sum(splat<V>(1.0), -square);
    const V sine_tail = mul_add(r.high * z, polynomial(z, sine_coefficients), r.low * one);
    const V cosine_tail =
        mul_add(z * z, polynomial(z, cosine_coefficients), one_rest - mul_add(r.high, r.low, square_rest));
    const Bits<V> quadrant = r.n + offset;
    const auto odd = (quadrant & 1) != 0;
    const V y = select(odd, one, r.high) + select(odd, cosine_tail, sine_tail);
    return from_bits(bits(y) ^ ((quadrant & 2) << 62));
}

// sin(x + offset pi/2)
template <int offset>
struct Sine {
    static constexpr double least = -fast_limit, most = fast_limit;

    // Quadrant of the left end: [g pi/2, (g + 1) pi/2] holds x. Between lo and hi < lo + 2 pi lie the next N multiples
    // of pi/2, N = the difference of the quadrants mod 4, or 4; the sine is 1 at multiples 1 mod 4 and -1 at 3 mod 4.
    template <class V>
    GONOGO_INLINE static Ends<V> finish(V lo, V hi, const Quarters<V>& a, const Quarters<V>& b) {
        const V at_lo = sine_of_quarters(a, offset);
        const V at_hi = sine_of_quarters(b, offset);
        const Bits<V> first = a.n + offset - select(a.high < V{}, splat<Bits<V>>(std::int64_t{1}), Bits<V>{});
        const Bits<V> last = b.n + offset - select(b.high < V{}, splat<Bits<V>>(std::int64_t{1}), Bits<V>{});
        const Bits<V> crossed = (last - first) & 3;
        const V width = hi - lo;
        const auto all = (width > 6.28) | ((width > 3.0) & (crossed == 0)) | negation(a.certain & b.certain);
        const auto top = all | (((0 - first) & 3) < crossed);
        const auto bottom = all | (((2 - first) & 3) < crossed);
        const V least_value = min(at_lo, at_hi), greatest_value = max(at_lo, at_hi);
        // sin 0 = 0 and cos 0 = 1 are exact
        const auto exact_low = offset == 0 ? least_value == V{} : (abs(lo) + abs(hi)) == V{};
        const auto exact_high = offset == 0 ? greatest_value == V{} : exact_low;
        const V low = max(step_floats<-1>(least_value, exact_low), splat<V>(-1.0));
        const V high = min(step_floats<+1>(greatest_value, exact_high), splat<V>(1.0));
        return {select(bottom, splat<V>(-1.0), low), select(top, splat<V>(1.0), high)};
    }

    template <class V>
    GONOGO_INLINE static Ends<V> ends(V lo, V hi) {
        const Quarters<V> a = reduce_quarters(lo), b = reduce_quarters(hi);
        if (any(negation(a.certain & b.certain))) [[unlikely]] {
            return enclose_far<Sine>(lo, hi);
        }
        return finish(lo, hi, a, b);
    }

    template <class V>
    GONOGO_INLINE static Ends<V> far_ends(V lo, V hi) {
        return finish(lo, hi, reduce_far(lo), reduce_far(hi));
    }
};

constexpr NamedConstant trigonometric_constants[] = {{"half_pi_1", half_pi_1},
                                                     {"half_pi_2", half_pi_2},
                                                     {"half_pi_3", half_pi_3},
                                                     {"two_over_pi", two_over_pi},
                                                     {"fast_limit", fast_limit},
                                                     {"sine_relative", sine_relative},
                                                     {"cosine_relative", cosine_relative},
                                                     {nullptr, 0.0}};

template <class V>
constexpr TrigonometricKernels trigonometric_table = {map<Sine<0>, V>, map<Sine<1>, V>, trigonometric_constants};

}  // namespace

}  // namespace gonogo::numeric::GONOGO_TARGET
