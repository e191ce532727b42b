#include "semantics/float_errors.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo {

using numeric::add_up;
using numeric::mul_up;

FloatErrors::FloatErrors(const FloatingPoint& format) : f_(format) {
    using numeric::smallest_normal;
    // Products of two stored numbers are numbers of the accumulator's format, but for its subnormal ones.
    const auto products = [&](const numeric::FloatFormat& sum) {
        return f_.weights.precision + f_.activations.precision <= sum.precision;
    };
    const numeric::FloatFormat coarse =
        smallest_normal(f_.weights) > smallest_normal(f_.activations) ? f_.weights : f_.activations;
    activations_ = {f_.activations, f_.may_flush, false, std::nullopt};
    accumulator_ = {f_.accumulator, f_.may_flush, false, std::nullopt};
    sums_ = {f_.accumulator, f_.may_flush, products(f_.accumulator), coarse};
    wide_sums_ = {numeric::binary64, f_.may_flush, products(numeric::binary64), coarse};
    least_ = f_.may_flush ? smallest_normal(f_.activations) : 0.0;
}

double FloatErrors::into_activations(double magnitude, double error) const {
    if (f_.activations == f_.accumulator) return error;
    return add_up(error, numeric::rounding_error_up(activations_, add_up(magnitude, error)));
}

double FloatErrors::dot(std::int64_t n, double mass, double magnitude, double weights, double operands) const {
    const numeric::DotProduct sum{n, mass, f_.may_flush ? add_up(weights, operands) : 0.0};
    double error = numeric::dot_error_up(sums_, sum);
    if (f_.accumulator.precision < numeric::binary64.precision) {
        const double wide = numeric::dot_error_up(wide_sums_, sum);
        error = std::max(error, add_up(wide, numeric::rounding_error_up(accumulator_, add_up(magnitude, wide))));
    }
    return into_activations(magnitude, error);
}

// Proof. A flushed operand, below h, changes the exact result by less than h times the other factor, or by h; there are
// two. Then one rounding, into the format or into a wider one and from there.
double FloatErrors::elementwise(double magnitude, double factor) const {
    const double lost = mul_up(2.0 * least_, factor);
    const double size = add_up(magnitude, lost);
    const double error = f_.activations == f_.accumulator ? 0.0 : numeric::rounding_error_up(accumulator_, size);
    return add_up(lost, add_up(error, numeric::rounding_error_up(activations_, add_up(size, error))));
}

// Proof. Sum first: the lemma of theorem 36 gives (n - 1) u S for the sum S = n mass, and the reciprocal and its
// product two roundings more: at most ((n - 1) u (1 + u)^2 + 2u + u^2) mass <= (n + 2) u (1 + (n + 2) u) mass. Division
// first: the same from leaves that have two roundings each. Underflow: g/2 per product; with flushing h for each of at
// most n operands, n products, n sums and the result.
double FloatErrors::average(std::int64_t n, double mass) const {
    const auto count = static_cast<double>(n);
    const double sum = mul_up(count, mass);
    const double k = (count + 2.0) * numeric::unit_roundoff(f_.accumulator);
    const double h = std::max(numeric::smallest_normal(f_.accumulator), numeric::smallest_normal(f_.activations));
    const double each = f_.may_flush ? 4.0 * h : numeric::smallest_positive(f_.accumulator);
    const double absolute = mul_up(mul_up(count + 1.0, each), add_up(1.0, k));
    if (!(add_up(mul_up(add_up(1.0, k), sum), mul_up(count, absolute)) <= numeric::largest_finite(f_.accumulator)))
        return numeric::infinity;
    const double relative = numeric::rigorous ? mul_up(mul_up(k, add_up(1.0, k)), mass) : 0.0;
    return into_activations(mass, add_up(relative, numeric::rigorous ? absolute : 0.0));
}

double FloatErrors::function(double magnitude) const {
    return add_up(least_, numeric::function_error_up(activations_, magnitude, f_.function_ulps));
}

double FloatErrors::selection() const {
    return least_;
}

double FloatErrors::stored(double magnitude) const {
    return numeric::rounding_error_up(activations_, magnitude);
}

// Proof. t_i = beta (max - x_i) >= 0 is computed to within a = (2u + u^2) T + 4 h max(1, beta), T >= 2 beta |x|; exp is
// right to c ulp, relatively 2cu, and c g + h where it underflows. So E_i = e^-t_i has a relative error of at most rho
// = e^a (1 + 2cu) - 1 and eta absolutely. The sum, at least 1, has a relative error of at most s = (1 + rho)(1 + (n -
// 1) u) - 1 + (n eta + 2 n h)(1 + n u). Quotient, or reciprocal and product, are two roundings: the computed p is at
// most p (1 + rho)(1 + u)^2 / (1 - s) + 4 eta + g + h while s <= 1/2, and as far below at most. e^a <= 1 + a + a^2 for
// a <= 1/2.
double FloatErrors::softmax(std::int64_t n, double beta, double operands, double p) const {
    if constexpr (!numeric::rigorous) return 0.0;
    const auto count = static_cast<double>(n);
    const double u = numeric::unit_roundoff(f_.accumulator);
    const double g = numeric::smallest_positive(f_.accumulator);
    const double h = f_.may_flush ? std::max(least_, numeric::smallest_normal(f_.accumulator)) : 0.0;
    const double a =
        add_up(mul_up(add_up(2.0 * u, u * u), mul_up(2.0 * beta, operands)), mul_up(4.0 * h, std::max(1.0, beta)));
    if (!(a <= 0.5) || !(count * u <= 0.25)) return numeric::infinity;
    const double ulps = mul_up(2.0 * f_.function_ulps, u);
    const double grown = mul_up(add_up(1.0, add_up(a, mul_up(a, a))), add_up(1.0, ulps));  // 1 + rho
    const double eta = add_up(mul_up(f_.function_ulps, g), h);
    const double lost = mul_up(mul_up(count, add_up(eta, 2.0 * h)), 2.0);
    const double s = add_up(numeric::sub_up(mul_up(grown, add_up(1.0, mul_up(count, u))), 1.0), lost);
    if (!(s <= 0.5)) return numeric::infinity;
    const double twice = mul_up(add_up(1.0, u), add_up(1.0, u));
    const double relative = numeric::sub_up(numeric::div_up(mul_up(grown, twice), numeric::sub_down(1.0, s)), 1.0);
    return into_activations(p, add_up(mul_up(p, relative), add_up(4.0 * eta, add_up(g, h))));
}

double FloatErrors::rounded(const numeric::FloatFormat& format, double x) {
    if (x == 0.0 || !std::isfinite(x) || format == numeric::binary64) return x;
    const int exponent = std::max(std::ilogb(x), format.least_exponent) - format.precision + 1;
    // To the nearest integer, ties to even: |y| < 2^53 by far, and 1.5 2^52 has ulp 1.
    constexpr double magic = 0x1.8p52;
    const double y = std::ldexp(x, -exponent);
    const double r = std::ldexp((y + magic) - magic, exponent);
    return std::fabs(r) > numeric::largest_finite(format) ? std::copysign(numeric::infinity, x) : r;
}

}  // namespace gonogo
