// Every kernel on every instruction set that the machine has, 64-bit ARM under emulation included. Oracles are long
// double functions with a wide margin, and integers: a check of lanes, tails and dispatch. The sharp tests, against
// exact and multiple-precision oracles, are in tests/numeric.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gonogo/numeric/convolution.hpp"
#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/integer_dot.hpp"
#include "gonogo/numeric/matrix.hpp"

#include "check.hpp"

namespace gn = gonogo::numeric;

namespace {

struct Random {
    std::uint64_t state = 88172645463325252ULL;
    std::uint64_t bits() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    double between(double a, double b) { return a + (b - a) * static_cast<double>(bits() >> 11) * 0x1p-53; }
};

long double oracle(gn::Function f, long double x) {
    switch (f) {
        case gn::Function::exp:
            return std::exp(x);
        case gn::Function::expm1:
            return std::expm1(x);
        case gn::Function::exp2:
            return std::exp2(x);
        case gn::Function::log:
            return std::log(x);
        case gn::Function::log1p:
            return std::log1p(x);
        case gn::Function::log2:
            return std::log2(x);
        case gn::Function::sin:
            return std::sin(x);
        case gn::Function::cos:
            return std::cos(x);
        case gn::Function::tanh:
            return std::tanh(x);
        case gn::Function::erf:
            return std::erf(x);
        case gn::Function::sigmoid:
            return 1 / (1 + std::exp(-x));
        case gn::Function::softplus:
            return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    }
    return 0;
}

double scaled(double x, int exponent) {
    return std::ldexp(x, exponent);
}

std::vector<double> arguments(gn::Function f) {
    Random random;
    const bool positive = f == gn::Function::log || f == gn::Function::log2;
    std::vector<double> x = {0x1p-1074, 0x1p-1022, 1e-300, 1e-20, 0.5, 1.0, 2.0, 0.34, 10.0, 700.0, 709.5, 1e6};
    for (int i = 0; i < 4001; ++i) {  // a length that isn't a multiple of the lanes
        x.push_back(random.between(-20.0, 20.0));
        x.push_back(scaled(random.between(-1.0, 1.0), static_cast<int>(random.between(-900.0, 11.0))));
    }
    for (double& value : x) {
        if (positive) value = std::fabs(value) + 0x1p-1074;
        if (f == gn::Function::log1p && value < -1.0) value = -value;
    }
    return x;
}

// Certainly outside: the long double is right to far better than 2^-55.
bool outside(double lo, double hi, long double y) {
    if (std::isinf(y)) return !(lo < gn::infinity && hi == gn::infinity);
    const long double margin = std::fabs(y) * 0x1p-55L + 0x1p-1080L;
    return !(static_cast<long double>(lo) <= y + margin && y - margin <= static_cast<long double>(hi));
}

void test_elementary(const std::string& set) {
    for (const gn::Function f : gn::all_functions) {
        const std::vector<double> x = arguments(f);
        std::vector<double> lo(x.size()), hi(x.size());
        gn::apply(f, x.data(), x.data(), lo.data(), hi.data(), static_cast<std::int64_t>(x.size()));
        int wrong = 0, wide = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const long double y = oracle(f, x[i]);
            if (outside(lo[i], hi[i], y)) ++wrong;
            const double size = std::fabs(static_cast<double>(y));
            const double ulp = size < 0x1p-1021 ? 0x1p-1074 : scaled(1.0, std::ilogb(size) - 52);
            if (size < gn::infinity && !(hi[i] - lo[i] <= (2 * gn::accuracy_ulp(f) + 2) * ulp)) ++wide;
        }
        if (wrong + wide > 0) {
            std::printf("%s on %s: %d outside, %d too wide\n", std::string(gn::name_of(f)).c_str(), set.c_str(), wrong,
                        wide);
        }
        CHECK(wrong == 0);
        CHECK(wide == 0);
    }
}

std::int64_t whole(Random& random, std::int64_t most) {
    return static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(2 * most + 1)) - most;
}

// Small integers, so that the exact ends are integers too: the bound must hold them, and not by much more.
template <class T>
void test_matrix() {
    Random random;
    for (const auto& [m, k, n] : {std::array<std::int64_t, 3>{1, 1, 1}, {3, 40, 17}, {37, 200, 1}, {50, 333, 70}}) {
        std::vector<T> a(static_cast<std::size_t>(m * k)), lo(static_cast<std::size_t>(k * n)), hi(lo.size());
        for (T& v : a) v = static_cast<T>(whole(random, 100));
        for (std::size_t i = 0; i < lo.size(); ++i) {
            lo[i] = static_cast<T>(whole(random, 100));
            hi[i] = lo[i] + static_cast<T>(random.bits() % 7);
        }
        std::vector<T> c_lo(static_cast<std::size_t>(m * n)), c_hi(c_lo.size());
        gn::matmul(a.data(), lo.data(), hi.data(), m, k, n, c_lo.data(), c_hi.data());
        int wrong = 0, wide = 0;
        for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = 0; j < n; ++j) {
                double least = 0.0, most = 0.0, size = 0.0;
                for (std::int64_t t = 0; t < k; ++t) {
                    const auto w = static_cast<double>(a[static_cast<std::size_t>(i * k + t)]);
                    const auto x = static_cast<double>(lo[static_cast<std::size_t>(t * n + j)]);
                    const auto y = static_cast<double>(hi[static_cast<std::size_t>(t * n + j)]);
                    least += w * (w > 0.0 ? x : y);
                    most += w * (w > 0.0 ? y : x);
                    size += std::fabs(w) * (std::fabs(x) + 7.0);
                }
                const auto at = static_cast<std::size_t>(i * n + j);
                const double slack = 300.0 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size;
                if (!(static_cast<double>(c_lo[at]) <= least && most <= static_cast<double>(c_hi[at]))) ++wrong;
                if (static_cast<double>(c_lo[at]) < least - slack || static_cast<double>(c_hi[at]) > most + slack)
                    ++wide;
            }
        }
        CHECK(wrong == 0);
        CHECK(wide == 0);
    }
}

gn::ConvolutionShape small_image(std::int64_t channels, std::int64_t outputs, std::int64_t groups, bool first) {
    gn::ConvolutionShape s;
    s.in_h = 7;
    s.in_w = 9;
    s.in_c = channels;
    s.out_h = 4;
    s.out_w = 5;
    s.out_c = outputs;
    s.kernel_h = s.kernel_w = 3;
    s.stride_h = s.stride_w = 2;
    s.pad_top = s.pad_left = 1;
    s.groups = groups;
    s.channels_first = first;
    return s;
}

// Calls body(output element, weight index of OHWI, input element) for every product.
template <class Body>
void each_product(const gn::ConvolutionShape& s, const Body& body) {
    const auto at = [&](std::int64_t h, std::int64_t w, std::int64_t c, std::int64_t height, std::int64_t width,
                        std::int64_t channels) {
        return static_cast<std::size_t>(s.channels_first ? (c * height + h) * width + w
                                                         : (h * width + w) * channels + c);
    };
    const std::int64_t in = s.in_c / s.groups;
    const std::int64_t out = s.out_c / s.groups;
    for (std::int64_t oc = 0; oc < s.out_c; ++oc) {
        for (std::int64_t p = 0; p < s.out_h * s.out_w; ++p) {
            for (std::int64_t tap = 0; tap < 9; ++tap) {
                const std::int64_t h = p / s.out_w * 2 - 1 + tap / 3;
                const std::int64_t w = p % s.out_w * 2 - 1 + tap % 3;
                if (h < 0 || w < 0 || h >= s.in_h || w >= s.in_w) continue;
                for (std::int64_t i = 0; i < in; ++i) {
                    body(at(p / s.out_w, p % s.out_w, oc, s.out_h, s.out_w, s.out_c),
                         static_cast<std::size_t>((oc * 9 + tap) * in + i),
                         at(h, w, oc / out * in + i, s.in_h, s.in_w, s.in_c));
                }
            }
        }
    }
}

template <class T>
void test_convolution(const gn::ConvolutionShape& s) {
    Random random;
    std::vector<T> weights(static_cast<std::size_t>(s.out_c * s.terms()));
    std::vector<T> lo(static_cast<std::size_t>(s.in_h * s.in_w * s.in_c)), hi(lo.size());
    for (T& v : weights) v = static_cast<T>(whole(random, 50));
    for (std::size_t i = 0; i < lo.size(); ++i) {
        lo[i] = static_cast<T>(whole(random, 50));
        hi[i] = lo[i] + static_cast<T>(random.bits() % 5);
    }
    std::vector<T> out_lo(static_cast<std::size_t>(s.pixels() * s.out_c)), out_hi(out_lo.size());
    gn::Convolution<T>(s, weights.data(), gn::WeightSteps::ohwi(s))
        .apply(lo.data(), hi.data(), nullptr, nullptr, out_lo.data(), out_hi.data());
    std::vector<double> least(out_lo.size()), most(out_lo.size()), size(out_lo.size());
    each_product(s, [&](std::size_t o, std::size_t k, std::size_t i) {
        const auto w = static_cast<double>(weights[k]);
        least[o] += w * static_cast<double>(w > 0.0 ? lo[i] : hi[i]);
        most[o] += w * static_cast<double>(w > 0.0 ? hi[i] : lo[i]);
        size[o] += std::fabs(w) * 60.0;
    });
    int wrong = 0, wide = 0;
    for (std::size_t o = 0; o < least.size(); ++o) {
        const double slack = 300.0 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size[o];
        if (!(static_cast<double>(out_lo[o]) <= least[o] && most[o] <= static_cast<double>(out_hi[o]))) ++wrong;
        if (static_cast<double>(out_lo[o]) < least[o] - slack || static_cast<double>(out_hi[o]) > most[o] + slack)
            ++wide;
    }
    CHECK(wrong == 0);
    CHECK(wide == 0);
}

void test_integers(const gn::ConvolutionShape& s) {
    Random random;
    std::vector<std::int16_t> weights(static_cast<std::size_t>(s.out_c * s.terms()));
    std::vector<std::int32_t> lo(static_cast<std::size_t>(s.in_h * s.in_w * s.in_c)), hi(lo.size());
    for (std::int16_t& v : weights) v = static_cast<std::int16_t>(whole(random, 127));
    for (std::size_t i = 0; i < lo.size(); ++i) {
        lo[i] = static_cast<std::int32_t>(whole(random, 120)) - 8;
        hi[i] = lo[i] + static_cast<std::int32_t>(random.bits() % 16);
    }
    const gn::IntegerConvolution convolution(s, weights.data(), gn::WeightSteps::ohwi(s), -128, 3, nullptr);
    const auto outputs = static_cast<std::size_t>(s.pixels() * s.out_c);
    std::vector<std::int32_t> sums(outputs), least(outputs), most(outputs);
    convolution.point(lo.data(), sums.data());
    convolution.range(lo.data(), hi.data(), least.data(), most.data());
    each_product(s, [&](std::size_t o, std::size_t k, std::size_t i) {
        const std::int32_t w = weights[k];
        sums[o] -= w * (lo[i] - 3);
        least[o] -= w * ((w > 0 ? lo[i] : hi[i]) - 3);
        most[o] -= w * ((w > 0 ? hi[i] : lo[i]) - 3);
    });
    for (std::size_t o = 0; o < outputs; ++o) CHECK(sums[o] == 0 && least[o] == 0 && most[o] == 0);
}

void test_windows() {
    for (const bool channels_first : {false, true}) {
        for (const auto& [in, out, groups] :
             {std::array<std::int64_t, 3>{3, 5, 1}, {8, 8, 8}, {6, 12, 6}, {20, 34, 2}}) {
            const gn::ConvolutionShape s = small_image(in, out, groups, channels_first);
            test_convolution<float>(s);
            test_convolution<double>(s);
            test_integers(s);
        }
    }
}

}  // namespace

int main() {
    if (!gn::rigorous) {
        std::puts("negative control: nothing to test");
        return 0;
    }
    const gn::EnvironmentGuard guard;
    for (const gn::InstructionSet set : gn::available_instruction_sets()) {
        gn::use_instruction_set(gn::name_of(set));
        test_elementary(std::string(gn::name_of(set)));
        test_matrix<float>();
        test_matrix<double>();
        test_windows();
    }
    gn::allow_vnni(false);
    test_windows();
    return check::report();
}
