#include "check.hpp"

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

namespace deep {

namespace {

double next(double x, bool up) {
    const auto b = std::bit_cast<std::int64_t>(x);
    return std::bit_cast<double>(b + ((b >= 0) == up ? 1 : -1));
}

double ulp(long double v) {
    return std::fmax(std::ldexp(1.0, std::ilogb(v) - 52), 0x1p-1074);
}

void merge(Greatest& a, const Greatest& b) {
    a.see(b.ulp, b.x);
}

}  // namespace

void Tally::add(const Tally& other) {
    points += other.points;
    outside += other.outside;
    direct += other.direct;
    whole += other.whole;
    series += other.series;
    failures += other.failures;
    merge(low, other.low);
    merge(high, other.high);
    merge(width, other.width);
}

Checker::Checker(Name f, Kernel kernel) : f_(f), kernel_(kernel) {}

void Checker::check(const double* x, int n, bool float_steps) {
    if (!in_domain(f_, x[0]) || !in_domain(f_, x[n - 1])) {
        int inside = 0;  // the domain is a half-line, so what is inside is one end of the list
        std::array<double, capacity> kept;
        for (int i = 0; i < n; ++i) {
            if (in_domain(f_, x[i])) {
                kept[static_cast<std::size_t>(inside++)] = x[i];
            }
        }
        tally_.outside += n - inside;
        if (inside > 0) {
            check(kept.data(), inside, false);
        }
        return;
    }
    x_ = x;
    kernel_(f_, x, x, low_.data(), high_.data(), n);
    tally_.points += n;
    if (!is_monotone(f_) && float_steps && std::fabs(x[0]) >= 1.0) {
        phase_block(0, n);
    } else {
        block(0, n);
    }
}

void Checker::block(int first, int last) {
    const double a = x_[first], b = x_[last - 1];
    const double small = std::fmin(std::fabs(a), std::fabs(b)), great = std::fmax(std::fabs(a), std::fabs(b));
    // What the kernel says guides the way only.
    const double size = std::fabs(low_[static_cast<std::size_t>(first)]);
    const bool extreme = !(size > 0x1p-890 && size < 0x1p890);
    if (small > 0.0 && neighbour_block(first, last)) {
        return;
    }
    if (last - first <= 4 || (small > 0.0 && extreme && !flat(first, last))) {
        for (int i = first; i < last; ++i) {
            direct(i);
        }
        return;
    }
    if (small > 0.0 && constant_block(first, last)) {
        return;
    }
    const double c = a + 0.5 * (b - a);
    const double reach = std::fmax(std::fabs(a - c), std::fabs(b - c));
    if (small > 0.0 && great <= 2.0 * small && reach > 0.0 && reach <= Oracle::greatest_reach(f_, c)) {
        const Series s = oracle_.series(f_, c, reach);
        const double f0 = std::fabs(s.high);
        if (s.error <= 0x1p-62 * f0) {
            ++tally_.series;
            evaluate(s, c, x_ + first, last - first, value_.data() + first, rest_.data() + first);
            judge(first, last, s.error);
            return;
        }
    }
    block(first, (first + last) / 2);
    block((first + last) / 2, last);
}

// Where f(x) lies strictly between x and a neighbour of x. The neighbours of x are at least |x| 2^-53 away, and
//   sin, tanh (|x| <= 2^-28)     0 < |x| - |f| < |x|^3 / 2 <= |x| 2^-57
//   expm1 (0 < |x| <= 2^-55)     0 < f - x < x^2 <= |x| 2^-55          log1p the same with x - f
//   softplus (x >= 40)           0 < f - x < e^-40 < 2^-57
bool Checker::neighbour_block(int first, int last) {
    const double a = x_[first], b = x_[last - 1];
    const double great = std::fmax(std::fabs(a), std::fabs(b));
    const bool odd = (f_ == Name::sin || f_ == Name::tanh) && great <= 0x1p-28;
    const bool above = (f_ == Name::expm1 && great <= 0x1p-55) || (f_ == Name::softplus && std::fmin(a, b) >= 40.0);
    const bool below = f_ == Name::log1p && great <= 0x1p-55;
    if (!odd && !above && !below) {
        return false;
    }
    for (int i = first; i < last; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const bool up = above || (odd && x_[i] < 0.0);
        down_[k] = up ? x_[i] : next(x_[i], false);
        up_[k] = up ? next(x_[i], true) : x_[i];
    }
    judge_tight(first, last, down_.data(), up_.data(), x_);
    return true;
}

// A monotone function whose closest bounds are the same at both ends has them in between, too. cos (0 < |x| <= 2^-28)
// is between 1 - 2^-57 and 1.
bool Checker::constant_block(int first, int last) {
    Tightest t{};
    if (f_ == Name::cos && std::fmax(std::fabs(x_[first]), std::fabs(x_[last - 1])) <= 0x1p-28) {
        t = {next(1.0, false), 1.0, 1.0L};
    } else if (!is_monotone(f_) || f_ == Name::log || f_ == Name::log1p || f_ == Name::log2) {
        return false;
    } else {
        if (!flat(first, last)) {
            return false;
        }
        t = oracle_.tightest(f_, x_[first]);
        if (!(t == oracle_.tightest(f_, x_[last - 1]))) {
            return false;
        }
    }
    for (int i = first; i < last; ++i) {
        const auto k = static_cast<std::size_t>(i);
        down_[k] = t.down;
        up_[k] = t.up;
        value_[k] = static_cast<double>(t.value);
    }
    judge_tight(first, last, down_.data(), up_.data(), value_.data());
    return true;
}

bool Checker::flat(int first, int last) const {
    const auto a = static_cast<std::size_t>(first), b = static_cast<std::size_t>(last - 1);
    return low_[a] == low_[b] && high_[a] == high_[b];
}

void Checker::judge_tight(int first, int last, const double* down, const double* up, const double* value) {
    const auto k = static_cast<std::size_t>(first);
    const Judgement j =
        judge_tight_ends(&low_[k], &high_[k], down + first, up + first, value + first, last - first, &pending_[k]);
    const bool tiny = std::fabs(value[first]) < 0x1p-900 || std::fabs(value[last - 1]) < 0x1p-900;
    if (!j.pending && !tiny && !is_record(j)) {
        return;
    }
    for (int i = first; i < last; ++i) {
        if (pending_[static_cast<std::size_t>(i)] != 0) {
            direct(i);
        } else {
            see(value[i], i);
        }
    }
}

bool Checker::is_record(const Judgement& j) const {
    return j.low > tally_.low.ulp || j.high > tally_.high.ulp || j.width > tally_.width.ulp;
}

// sin and cos of consecutive binary32 numbers m 2^e, |m| < 2^24, of one binade. With F = floor(2^128 frac(2^e / 2 pi)),
// m F mod 2^128 is 2^128 times the turns of x, less at most |m| < 2^24: 2^-104 turns. The next multiple of 1/4096 turn
// is taken off (the cosine starts a quarter further), |t| <= 2^-13 remains, as turn_[2 i] (at most 52 bits, exact) plus
// turn_[2 i + 1] (53 bits of 64 lower ones: 2^-64-13-53).
//
// Error of value + rest against the sine, in the notation of series.cpp with H = 2^-13 turns: f_1 H <= 2 pi 2^-13 <
// 2^-10.3 and A < 2^-21.5. The series of sine and cosine stop at t^5 and t^6: below 2^-84. Rounding: 21 u A < 2^-70,
// 2^-17 u f_1 H < 2^-80, 10 u^2. The cut of F: 2 pi 2^-104. Together below 2^-69.
void Checker::phase_block(int first, int last) {
    if (table_.empty()) {
        for (int i = 0; i < 4096; ++i) {
            table_.push_back(oracle_.sine_table_entry(i));
        }
    }
    const int e = std::ilogb(x_[first]) - 23;
    const auto [high, low] = oracle_.turns_of_power(e);
    const auto unit = static_cast<unsigned __int128>(high) << 64 | low;
    const unsigned __int128 quarter = f_ == Name::cos ? static_cast<unsigned __int128>(1) << 126 : 0;
    const unsigned __int128 half_cell = static_cast<unsigned __int128>(1) << 115;
    const double scale = std::ldexp(1.0, -e);
    for (int i = first; i < last; ++i) {
        const auto m = static_cast<std::int64_t>(x_[i] * scale);
        const unsigned __int128 product = static_cast<unsigned __int128>(m < 0 ? -m : m) * unit;
        const unsigned __int128 turns = (m < 0 ? -product : product) + quarter;
        const unsigned __int128 cell = (turns + half_cell) >> 116;
        const auto rest = static_cast<__int128>(turns - (cell << 116));
        const auto k = static_cast<std::size_t>(i);
        index_[k] = static_cast<std::int32_t>(cell & 4095);
        turn_[2 * k] = static_cast<double>(static_cast<std::int64_t>(rest >> 64)) * 0x1p-64;
        turn_[2 * k + 1] = static_cast<double>(static_cast<std::uint64_t>(rest)) * 0x1p-128;
    }
    evaluate_turns(table_.data(), index_.data() + first, turn_.data() + 2 * first, last - first, value_.data() + first,
                   rest_.data() + first);
    judge(first, last, 0x1p-69);
}

void Checker::judge(int first, int last, double error) {
    const auto k = static_cast<std::size_t>(first);
    const Judgement j = judge_ends(&low_[k], &high_[k], &value_[k], &rest_[k], error, last - first, &pending_[k]);
    const bool record = is_record(j);
    if (!j.pending && !record) {
        return;
    }
    for (int i = first; i < last; ++i) {
        const auto n = static_cast<std::size_t>(i);
        if (!is_monotone(f_) && low_[n] <= -1.0 && high_[n] >= 1.0) {
            ++tally_.whole;
        } else if (pending_[n] != 0) {
            direct(i);
        } else if (record) {
            see(static_cast<long double>(value_[n]) + static_cast<long double>(rest_[n]), i);
        }
    }
}

// Distances from the true value y. What isn't finite, zero or too small for binary64 has none.
void Checker::see(long double y, int i) {
    if (!(std::fabs(y) >= 0x1p-1074L && std::fabs(y) <= std::numeric_limits<double>::max())) {
        return;
    }
    const auto k = static_cast<std::size_t>(i);
    const double unit = ulp(y);
    tally_.low.see(static_cast<double>(y - static_cast<long double>(low_[k])) / unit, x_[i]);
    tally_.high.see(static_cast<double>(static_cast<long double>(high_[k]) - y) / unit, x_[i]);
    tally_.width.see((high_[k] - low_[k]) / unit, x_[i]);
}

void Checker::direct(int i) {
    const auto k = static_cast<std::size_t>(i);
    ++tally_.direct;
    const Tightest t = oracle_.tightest(f_, x_[i]);
    if (!is_monotone(f_) && low_[k] <= -1.0 && high_[k] >= 1.0) {
        ++tally_.whole;
        return;
    }
    if (low_[k] <= t.down && high_[k] >= t.up) {
        see(t.value, i);
        return;
    }
    if (++tally_.failures <= 5) {
        std::printf("FAILURE %s(%a) = [%a, %a], the closest enclosure is [%a, %a]\n", text_of(f_).data(), x_[i],
                    low_[k], high_[k], t.down, t.up);
        std::fflush(stdout);
    }
}

}  // namespace deep
