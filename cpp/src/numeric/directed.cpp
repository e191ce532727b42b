#include "gonogo/numeric/directed.hpp"

#include <algorithm>

#include "exact_sum.hpp"
#include "natural.hpp"
#include "scaled_integer.hpp"

namespace gonogo::numeric {

namespace {

using detail::Natural;
using detail::ScaledInteger;

double fma_up_rare(double a, double b, double c) {
    if (a == 0.0 || b == 0.0) {
        return c == 0.0 ? 0.0 : c;
    }
    const bool finite = detail::is_finite(a) && detail::is_finite(b);
    if (!finite || !detail::is_finite(c)) {
        const double product = finite ? 0.0 : a * b;  // an infinity or NaN
        const double value = product + c;
        return value != value ? infinity : value;
    }
    detail::ExactSum sum;
    sum.add_product(a, b);
    sum.add(c);
    return sum.round_up();
}

}  // namespace

// Theorem 28. With p + e = ab (Theorem 2), s + t = p + c, v + w = t + e and h + r = s + v exactly (Theorem 1),
// ab + c = h + (r + w), and RN(r + w) has the sign of r + w, because a rounded sum does. When |r + w| is less than the
// gap between h and its neighbour on that side, the least bound is h or the next float. h rounds s + v, so |r| is at
// most half that gap; and |w| <= u |v| is smaller than a quarter of it whenever |v| <= 2^40 gap.
double fma_up(double a, double b, double c) {
    const auto [p, e] = detail::two_product(a, b);
    if (p >= detail::product_floor || p <= -detail::product_floor) {
        const auto [s, t] = detail::two_sum(p, c);
        const auto [v, w] = detail::two_sum(t, e);
        const auto [h, r] = detail::two_sum(s, v);
        // The gap at h is at least 2^-54 |h|, so 2^-14 |h| >= |v| gives |v| <= 2^40 gap. False for NaN and infinities.
        const double h_abs = h < 0.0 ? -h : h;
        const double v_abs = v < 0.0 ? -v : v;
        if (v_abs <= 0x1p-14 * h_abs && h_abs >= 0x1p-900 && detail::is_finite(r) && detail::is_finite(w)) {
            return r + w > 0.0 ? next_up(h) : h;
        }
    }
    return fma_up_rare(a, b, c);
}

namespace {

// mantissa * 2^exponent, or a little more if something was cut off
struct Enclosed {
    Natural mantissa;
    std::int64_t exponent = 0;
    bool inexact = false;
};

// Beyond 2^+-6000 only the side counts: such a power is far outside the range of floats.
constexpr std::int64_t far_exponent = 6000;

void cut(Enclosed& x, std::int64_t precision) {
    const std::int64_t drop = x.mantissa.bit_length() - precision;
    if (drop > 0) {
        x.mantissa.shift_right(drop, x.inexact);
        x.exponent += drop;
    }
}

// m^n 2^(e n), cut after every multiplication. Where `far` comes true the power lies outside 2^+-far_exponent, on the
// side that the exponent tells.
Enclosed power(const Natural& m, std::int64_t e, std::uint64_t n, std::int64_t precision, bool& far) {
    Enclosed x{m, e};
    for (int bit = detail::bit_length(n) - 2; bit >= 0; --bit) {
        x.mantissa = x.mantissa * x.mantissa;
        x.exponent *= 2;
        cut(x, precision);
        if (((n >> bit) & 1) != 0) {
            x.mantissa = x.mantissa * m;
            x.exponent += e;
            cut(x, precision);
        }
        const std::int64_t size = x.exponent + x.mantissa.bit_length();
        if (size > far_exponent || size < -far_exponent) {
            far = true;
            return x;
        }
    }
    return x;
}

// The 63 or 64 leading bits of top / bottom * 2^exponent
ScaledInteger leading_bits(Natural top, Natural bottom, std::int64_t exponent, bool sticky) {
    const std::int64_t shift = 63 - (top.bit_length() - bottom.bit_length());
    (shift >= 0 ? top : bottom).shift_left(shift >= 0 ? shift : -shift);
    const detail::QuotientBits q = detail::divide(std::move(top), bottom);
    return {q.quotient, exponent - shift, sticky || !q.exact};
}

double rounded(const ScaledInteger& value, bool up) {
    return up ? detail::magnitude_up(value) : detail::magnitude_down(value);
}

// |x|^n, rounded up or down; x finite and not zero, n not zero.
//
// Theorem 29. A cut to P bits loses a relative 2^(1-P) at most, squaring doubles a relative error, and multiplying by m
// keeps it: after n - 1 multiplications it is below n 2^(2-P) <= 1/2, so the power is less than mantissa + 8 n. When
// both ends of that range, or their reciprocals, round alike, so does the power. A power that is a float is found
// without any cut (2^k apart, its odd part is below 2^53), and so is one that is no float but short. A longer one isn't
// a float, nor is the reciprocal of any but a power of two; so some precision tells on which side of a float it lies.
double magnitude_power(double x, std::int64_t n, bool up) {
    ScaledInteger v = detail::decompose(x);
    const int zeros = std::countr_zero(v.mantissa);
    v.mantissa >>= zeros;
    v.exponent += zeros;
    const bool reciprocal = n < 0;
    const std::uint64_t size = reciprocal ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    if (v.mantissa == 1) {
        const auto bounded = static_cast<std::int64_t>(std::min<std::uint64_t>(size, 1U << 20));
        return rounded({1, v.exponent * (reciprocal ? -bounded : bounded), false}, up);
    }
    const Natural m(v.mantissa);
    const Natural one(1);
    for (std::int64_t precision = 128;; precision *= 2) {
        bool far = false;
        Enclosed low = power(m, v.exponent, size, precision, far);
        if (far) {
            const bool huge = (low.exponent > 0) != reciprocal;
            return rounded({1, huge ? far_exponent : -far_exponent, true}, up);
        }
        Natural high = low.mantissa;
        if (low.inexact) {
            high.add(Natural(size) * Natural(8));
        }
        double ends[2];
        for (const bool upper : {false, true}) {
            const Natural& end = upper ? high : low.mantissa;
            ends[upper ? 1 : 0] = rounded(reciprocal ? leading_bits(one, end, -low.exponent, low.inexact)
                                                     : leading_bits(end, one, low.exponent, low.inexact),
                                          up);
        }
        if (ends[0] == ends[1]) {
            return ends[0];
        }
    }
}

// high + low, |low| at most half a unit in high's last place
struct Double2 {
    double high;
    double low;
};

// Relative error at most 16 u^2 unless something over- or underflows: the product of the low parts and the roundings of
// the four small terms below lose at most (1 + 1 + 1 + 2 + 3) u^2, to first order.
Double2 multiply(const Double2& a, const Double2& b, bool& exact) {
    const auto [p, e] = detail::two_product(a.high, b.high);
    exact = exact && e == 0.0 && a.low == 0.0 && b.low == 0.0;
    const auto [h, l] = detail::two_sum(p, e + (a.high * b.low + a.low * b.high));
    return {h, l};
}

// What rounds magnitude_power without long integers, or NaN when it can't tell. x > 0, 2 <= |n| <= 2^20.
//
// Theorem 29, continued. All intermediate powers lie between x or 1 and the last one; when that is in [2^-800, 2^800]
// nothing over- or underflows, Theorem 2 holds, and the relative error is below 2 n 16 u^2 = n 2^-101. For n < 0, q =
// RN(1 / h) and 1 / (h + l) = q + (1 - q h - q l) / (h + l), whose last term is below 4 u q and computed to a relative
// 8 u: another 32 u^2. So the result is high + low with a relative error below `margin`, and where |low| is more than
// that times high, its sign tells on which side of `high` the power lies, half a gap away at most.
double quick_power(double x, std::int64_t n, bool up) {
    const auto size = static_cast<std::uint32_t>(n < 0 ? -n : n);
    bool exact = true;
    const Double2 base{x, 0.0};
    Double2 y = base;
    for (int bit = detail::bit_length(size) - 2; bit >= 0; --bit) {
        y = multiply(y, y, exact);
        if (((size >> bit) & 1) != 0) {
            y = multiply(y, base, exact);
        }
    }
    if (!(y.high >= 0x1p-800 && y.high <= 0x1p800)) {
        return infinity - infinity;
    }
    if (n < 0) {
        const double q = 1.0 / y.high;
        const auto [p, e] = detail::two_product(q, y.high);
        const double rest = ((1.0 - p) - e) - q * y.low;
        exact = exact && rest == 0.0;
        const auto [h, l] = detail::two_sum(q, rest / y.high);
        y = {h, l};
    }
    const double margin = static_cast<double>(size + 1) * 0x1p-99 * y.high;
    if (exact) {
        return y.high;
    }
    if (y.low > margin) {
        return up ? next_up(y.high) : y.high;
    }
    if (y.low < -margin) {
        return up ? y.high : next_down(y.high);
    }
    return infinity - infinity;
}

// |x|^n, rounded up or down
double power_of_magnitude(double x, std::int64_t n, bool up) {
    if (n >= -(1 << 20) && n <= 1 << 20) {
        const double quick = quick_power(x < 0.0 ? -x : x, n, up);
        if (quick == quick) {
            return quick;
        }
    }
    return magnitude_power(x, n, up);
}

}  // namespace

double pown_up(double x, std::int64_t n) {
    const bool negative = x < 0.0 && n % 2 != 0;
    if (!detail::is_finite(x)) {
        return n > 0 ? (negative ? -infinity : infinity) : 0.0;
    }
    return negative ? -power_of_magnitude(x, n, false) : power_of_magnitude(x, n, true);
}

double pown_down(double x, std::int64_t n) {
    const bool negative = x < 0.0 && n % 2 != 0;
    if (!detail::is_finite(x)) {
        return n > 0 ? (negative ? -infinity : infinity) : 0.0;
    }
    return negative ? -power_of_magnitude(x, n, true) : power_of_magnitude(x, n, false);
}

}  // namespace gonogo::numeric
