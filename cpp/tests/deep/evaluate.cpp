#include <bit>
#include <cstring>

#include "check.hpp"

// Copies for the processor at hand; -ffp-contract=off holds, so all of them compute the same numbers.
#if defined(__x86_64__) && defined(__GNUC__)
#define DEEP_CLONES __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define DEEP_CLONES
#endif

namespace deep {

namespace {

// Adding and subtracting it rounds numbers up to `reach` in size to a multiple of q, reach 2^-20 <= q <= reach 2^-19.
double rounder(double reach) {
    const std::int64_t exponent = (std::bit_cast<std::int64_t>(reach) >> 52) + 1;  // reach < 2^(exponent - 1023)
    return 1.5 * std::bit_cast<double>((exponent - 20 + 52) << 52);
}

}  // namespace

DEEP_CLONES void evaluate(const Series& s, double c, const double* x, int n, double* value, double* rest) {
    const double shift = rounder(s.reach), unit = s.unit;
    const double high = s.high, low = s.low, slope_high = s.slope_high, slope_low = s.slope_low;
    const double f2 = s.f[2], f3 = s.f[3], f4 = s.f[4], f5 = s.f[5], f6 = s.f[6];
    for (int i = 0; i < n; ++i) {
        const double h = (x[i] - c) * unit;
        const double hh = (h + shift) - shift;
        const double hl = h - hh;
        const double p = slope_high * hh;
        const double v = high + p;
        const double b = v - high;
        const double r = (high - (v - b)) + (p - b);
        const double second = (h * h) * (f2 + h * (f3 + h * (f4 + h * (f5 + h * f6))));
        value[i] = v;
        rest[i] = r + ((slope_high * hl + slope_low * h) + (second + low));
    }
}

DEEP_CLONES void evaluate_turns(const Series* table, const std::int32_t* index, const double* turn, int n,
                                double* value, double* rest) {
    // (2 pi)^2 / 2, (2 pi)^3 / 6 over 2 pi, ...: the cosine and sine series in turns, binary64 is plenty
    constexpr double k2 = 19.739208802178716, k4 = 64.93939402266828, k6 = 85.45681720669373;
    constexpr double k3 = 6.579736267392906, k5 = 12.987878804533656;
    const double shift = rounder(0x1p-13);
    for (int i = 0; i < n; ++i) {
        const Series& s = table[index[i]];
        const double t = turn[2 * i], tl = turn[2 * i + 1];
        const double hh = (t + shift) - shift;
        const double hl = t - hh;
        const double p = s.slope_high * hh;
        const double v = s.high + p;
        const double b = v - s.high;
        const double r = (s.high - (v - b)) + (p - b);
        const double z = t * t;
        const double cosine = s.high * (z * (k2 - z * (k4 - z * k6)));
        const double sine = ((s.slope_high + s.slope_low) * t) * (z * (k3 - z * k5));
        value[i] = v;
        rest[i] = r + (((s.slope_high * hl + s.slope_low * t) + s.slope_high * tl) + ((s.low - cosine) - sine));
    }
}

DEEP_CLONES Judgement judge_ends(const double* low, const double* high, const double* value, const double* rest,
                                 double error, int n, std::uint8_t* pending) {
    std::int64_t any = 0, most_low = 0, most_high = 0, most_width = 0;
    for (int i = 0; i < n; ++i) {
        const double v = value[i], r = rest[i];
        const double dl = low[i] - v, dh = high[i] - v;
        const bool ok = (dl < r - error) & (dh > r + error);
        pending[i] = !ok;
        any |= static_cast<std::int64_t>(!ok);
        std::int64_t bits;
        std::memcpy(&bits, &v, 8);
        const std::int64_t scale_bits = (std::int64_t{2098} << 52) - (bits & 0x7FF0000000000000);  // 1 / ulp
        double scale;
        std::memcpy(&scale, &scale_bits, 8);
        // Distances aren't negative unless an end is on the wrong side; then the sign bit keeps them out.
        const double a = (r - dl) * scale, b = (dh - r) * scale, w = (dh - dl) * scale;
        std::int64_t x;
        std::memcpy(&x, &a, 8);
        most_low = x > most_low ? x : most_low;
        std::memcpy(&x, &b, 8);
        most_high = x > most_high ? x : most_high;
        std::memcpy(&x, &w, 8);
        most_width = x > most_width ? x : most_width;
    }
    return {any != 0, std::bit_cast<double>(most_low), std::bit_cast<double>(most_high),
            std::bit_cast<double>(most_width)};
}

DEEP_CLONES Judgement judge_tight_ends(const double* low, const double* high, const double* down, const double* up,
                                       const double* value, int n, std::uint8_t* pending) {
    std::int64_t any = 0, most_low = 0, most_high = 0, most_width = 0;
    for (int i = 0; i < n; ++i) {
        const double v = value[i];
        const bool ok = (low[i] <= down[i]) & (high[i] >= up[i]);
        pending[i] = !ok;
        any |= static_cast<std::int64_t>(!ok);
        std::int64_t bits;
        std::memcpy(&bits, &v, 8);
        const std::int64_t exponent = bits & 0x7FF0000000000000;
        // No distances from numbers whose ulp has no inverse: Checker::see does those.
        const std::int64_t keep = exponent > (std::int64_t{60} << 52) ? -1 : 0;
        const std::int64_t scale_bits = ((std::int64_t{2098} << 52) - exponent) & keep;
        double scale;
        std::memcpy(&scale, &scale_bits, 8);
        const double a = (v - low[i]) * scale, b = (high[i] - v) * scale, w = (high[i] - low[i]) * scale;
        std::int64_t x;
        std::memcpy(&x, &a, 8);
        most_low = x > most_low ? x : most_low;
        std::memcpy(&x, &b, 8);
        most_high = x > most_high ? x : most_high;
        std::memcpy(&x, &w, 8);
        most_width = x > most_width ? x : most_width;
    }
    return {any != 0, std::bit_cast<double>(most_low), std::bit_cast<double>(most_high),
            std::bit_cast<double>(most_width)};
}

}  // namespace deep
