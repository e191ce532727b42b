#include "runs.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace deep {

namespace {

// splitmix64: a stream per job.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 0xD1342543DE82EF95ULL + 0x2545F4914F6CDD1DULL) { bits(); }
    std::uint64_t bits() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    // Uniform over the integers from a to b
    int integer(int a, int b) { return a + static_cast<int>((bits() >> 32) % static_cast<std::uint64_t>(b - a + 1)); }
    // 2^e times a number in [1, 2)
    double binade(int e) { return std::ldexp(std::bit_cast<double>((bits() >> 12) | 0x3FF0000000000000ULL), e); }

  private:
    std::uint64_t state_;
};

// Any finite number but zero.
double anywhere(Random& random) {
    for (;;) {
        const double x = std::bit_cast<double>(random.bits());
        if (std::isfinite(x) && x != 0.0) {
            return x;
        }
    }
}

// Clusters are wide compared with the last place of their centre, so they stay away from where f or its argument has
// hardly any digits left: 1 for the logarithms, -1 for log1p, large arguments of sin and cos.
double candidate(Name f, bool clustered, Random& random) {
    const bool periodic = !is_monotone(f);
    if (random.integer(0, 3) == 0 && !(clustered && periodic)) {
        return anywhere(random);
    }
    const double sign = random.integer(0, 1) == 0 ? 1.0 : -1.0;
    switch (f) {
        case Name::exp:
        case Name::expm1:
        case Name::sigmoid:
        case Name::softplus:
            return sign * random.binade(random.integer(-60, 9));
        case Name::exp2:
            return sign * random.binade(random.integer(-60, 10));
        case Name::log:
        case Name::log2:
            return random.integer(0, 1) == 0 ? std::fabs(anywhere(random))
                                             : 1.0 + sign * random.binade(random.integer(clustered ? -30 : -52, -2));
        case Name::log1p: {
            const int kind = random.integer(0, 2);
            return kind == 0   ? sign * random.binade(random.integer(-60, -1))
                   : kind == 1 ? random.binade(random.integer(0, 1023))
                               : -1.0 + random.binade(random.integer(clustered ? -30 : -53, -1));
        }
        case Name::sin:
        case Name::cos:
            return sign * random.binade(random.integer(random.integer(0, 3) == 0 ? -1022 : -30, 40));
        case Name::tanh:
            return sign * random.binade(random.integer(-30, 4));
        case Name::erf:
            return sign * random.binade(random.integer(-60, 2));
    }
    return 0.0;
}

double centre(Name f, bool clustered, Random& random) {
    for (;;) {
        const double x = candidate(f, clustered, random);
        if (std::isfinite(x) && x != 0.0 && in_domain(f, x)) {
            return x;
        }
    }
}

}  // namespace

void Binary32::run(std::int64_t job, Checker& checker) const {
    std::array<double, Checker::capacity> x;
    for (std::uint32_t chunk = 0; chunk < 64; ++chunk) {
        const std::uint32_t number = static_cast<std::uint32_t>(job) * 64 + chunk;  // 20 bits
        // A fixed permutation of the numbers modulo `every`: no regular spacing that a table's step could hide in.
        if (every > 1 && (number * 0x9E3779B1U >> 12) % static_cast<std::uint64_t>(every) != 0) {
            continue;
        }
        const std::uint32_t first = number << 12;
        if ((first & 0x7F800000U) == 0x7F800000U) {
            continue;  // infinities and NaN
        }
        for (std::uint32_t i = 0; i < 4096; ++i) {
            x[i] = static_cast<double>(std::bit_cast<float>(first + i));
        }
        checker.check(x.data(), 4096, true);
    }
}

void Clusters::run(std::int64_t job, Checker& checker) const {
    Random random(static_cast<std::uint64_t>(job) * 16 + static_cast<std::uint64_t>(f) + (1ULL << 40));
    std::array<double, 256> x;
    const std::int64_t last = std::min(clusters, (job + 1) * 1024);
    for (std::int64_t cluster = job * 1024; cluster < last; ++cluster) {
        const double c = centre(f, true, random);
        // A tenth less than allowed: the middle of the points isn't c itself.
        const double reach = 0.9 * std::fmin(Oracle::greatest_reach(f, c), std::fabs(c) * 0x1p-12);
        for (std::size_t i = 0; i < 256; ++i) {  // one point in each of 256 equal parts, so in order
            const double t = static_cast<double>(random.bits() >> 11) * 0x1p-53;  // [0, 1)
            x[i] = c + reach * ((static_cast<double>(i) + t) * 0x1p-7 - 1.0);
        }
        if (!std::isfinite(x[0] - x[255]) || !in_domain(f, x[0])) {
            continue;  // at most a step from the end of the line; the neighbourhoods are there
        }
        checker.check(x.data(), 256, false);
    }
}

void Independent::run(std::int64_t job, Checker& checker) const {
    Random random(static_cast<std::uint64_t>(job) * 16 + static_cast<std::uint64_t>(f) + (2ULL << 40));
    const std::int64_t last = std::min(points, (job + 1) * 4096);
    for (std::int64_t point = job * 4096; point < last; ++point) {
        const double x = centre(f, false, random);
        checker.check(&x, 1, false);
    }
}

void Neighbourhoods::run(std::int64_t job, Checker& checker) const {
    const double c = centres[static_cast<std::size_t>(job)];
    std::array<double, 2001> x;
    std::size_t count = 0;
    // The numbers as a line of integers: the patterns of one sign are in order.
    const auto bits = std::bit_cast<std::int64_t>(c);
    const std::int64_t place = bits >= 0 ? bits : std::numeric_limits<std::int64_t>::min() - bits;
    for (std::int64_t i = place - 1000; i <= place + 1000; ++i) {
        const double v = std::bit_cast<double>(i >= 0 ? i : std::numeric_limits<std::int64_t>::min() - i);
        if (std::isfinite(v)) {
            x[count++] = v;
        }
    }
    if (count > 0) {
        checker.check(x.data(), static_cast<int>(count), false);
    }
}

}  // namespace deep
