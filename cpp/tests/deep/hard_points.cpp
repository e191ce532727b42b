// The hard points of a function: everything that could be a border between two ways of computing it.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>

#include "runs.hpp"

namespace deep {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// Every number written in a C++ source, hexadecimal floats included, but not what follows a letter (names).
void numbers_in(const std::string& path, std::vector<double>& out) {
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool word = i > 0 && (std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 || text[i - 1] == '_');
        if (std::isdigit(c) == 0 || word) {
            ++i;
            continue;
        }
        char* end = nullptr;
        out.push_back(std::strtod(text.c_str() + i, &end));
        i = std::max(i + 1, static_cast<std::size_t>(end - text.c_str()));
    }
}

// What a kernel's answer at x looks like from outside; a change between two numbers means a border between them.
int signature(Name f, Kernel kernel, double x) {
    double low = 0.0, high = 0.0;
    kernel(f, &x, &x, &low, &high, 1);
    const double most = std::numeric_limits<double>::max();
    int s = 0;
    for (const bool bit :
         {low == -inf, high == inf, low == most, low == 0.0, high == 0.0, low == x, high == x, low == 1.0, high == 1.0,
          low == -1.0, high == -1.0, low == high, high - low > 0x1p-40 * std::fabs(low), std::fabs(low) < 0x1p-1022,
          std::fabs(high) < 0x1p-1022}) {
        s = 2 * s + (bit ? 1 : 0);
    }
    return s;
}

void borders(Name f, Kernel kernel, std::vector<double>& out) {
    std::vector<double> grid;
    for (int e = -1074; e < 1024; ++e) {
        for (int k = 0; k < (e > -60 && e < 12 ? 64 : 4); ++k) {
            const double x = std::ldexp(1.0 + k / (e > -60 && e < 12 ? 64.0 : 4.0), e);
            grid.push_back(x);
            grid.push_back(-x);
        }
    }
    std::sort(grid.begin(), grid.end());
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
        double a = grid[i], b = grid[i + 1];
        if (!in_domain(f, a) || signature(f, kernel, a) == signature(f, kernel, b)) {
            continue;
        }
        while (std::nextafter(a, b) < b) {
            const double middle = a + 0.5 * (b - a);
            (signature(f, kernel, middle) == signature(f, kernel, a) ? a : b) = middle;
        }
        out.push_back(a);
    }
}

}  // namespace

// (1) Powers of two, and zero. (2) Numbers of three decimal or seven binary digits in the binades -60 to 11. (3) Every
// number that stands in the kernels' sources, with its opposite, inverse, square, square root, and its logarithms and
// powers of two and e nearby - thresholds are written there. (4) (k + 1/2) ln 2 and k ln 2, k + 1/2, (k + 1/2) pi/2 and
// k pi/2, where reductions change their integer. (5) Borders found by bisection in the kernel's own answers.
Neighbourhoods::Neighbourhoods(Name f, Kernel kernel, const std::vector<std::string>& sources) {
    std::vector<double> all = {0.0};
    for (int e = -1074; e < 1024; ++e) {
        all.push_back(std::ldexp(1.0, e));
    }
    for (int e = -60; e < 12; ++e) {
        for (int k = 65; k < 128; ++k) {
            all.push_back(std::ldexp(k / 64.0, e));
        }
    }
    for (int digits = 101; digits < 1000; ++digits) {
        for (const double scale : {1e-3, 1e-2, 1e-1, 1.0}) {
            all.push_back(digits * scale);
        }
    }
    std::vector<double> written;
    for (const std::string& source : sources) {
        numbers_in(source, written);
    }
    for (const double x : written) {
        for (const double y :
             {x, 1.0 / x, x * x, std::sqrt(x), std::log(x), std::log2(x), std::exp(x), 1.0 + x, 1.0 - x}) {
            all.push_back(y);
        }
    }
    Oracle oracle;
    for (long k = 0; k < 1100; ++k) {
        for (const bool half : {false, true}) {
            all.push_back(oracle.multiple_of_ln2(k, half));
            all.push_back(static_cast<double>(k) + (half ? 0.5 : 0.0));
        }
    }
    if (!is_monotone(f)) {
        for (long k = 0; k < 6000; ++k) {
            const long n = k < 2000 ? k : 1L << ((k - 2000) / 100 + 11) | (k * k * 7919 % 2048);  // up to 2^51
            all.push_back(oracle.multiple_of_half_pi(n, false));
            all.push_back(oracle.multiple_of_half_pi(n, true));
        }
        all.push_back(6381956970095103.0 * 0x1p797);  // the binary64 number closest to a multiple of pi/2, relatively
    }
    const std::size_t count = all.size();
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(-all[i]);
    }
    borders(f, kernel, all);
    for (const double x : all) {
        if (std::isfinite(x) && (in_domain(f, x) || x == 0.0 || x == -1.0)) {
            centres.push_back(x);
        }
    }
    std::sort(centres.begin(), centres.end());
    centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
}

}  // namespace deep
