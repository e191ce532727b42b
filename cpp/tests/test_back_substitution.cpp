// The kernels of backward bound propagation on every instruction set that the machine has, on small integers, whose
// sums are exact in any order. The bounds on the errors are tested in tests/numeric.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "gonogo/numeric/back_substitution.hpp"
#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/environment.hpp"

#include "check.hpp"

namespace gn = gonogo::numeric;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> integers(std::int64_t count, std::uint64_t seed) {
    std::vector<double> values(static_cast<std::size_t>(count));
    std::uint64_t state = seed * 2 + 1;
    for (double& v : values) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        v = static_cast<double>(static_cast<std::int64_t>(state >> 56) - 128);
    }
    return values;
}

// Rows are longer than they have to be, and what lies beyond is poison on the left and untouched on the right.
struct Product {
    std::int64_t m, k, n;
    std::int64_t a_step = k + 3, c_step = n + 2;
    std::vector<double> a = integers(m * a_step, 1), b = integers(k * n, 2), c = integers(m * c_step, 3);

    std::vector<double> expected(bool accumulate) const {
        std::vector<double> result = c;
        for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = 0; j < n; ++j) {
                double& sum = result[at(i * c_step + j)];
                if (!accumulate) sum = 0.0;
                for (std::int64_t t = 0; t < k; ++t) sum += a[at(i * a_step + t)] * b[at(t * n + j)];
            }
        }
        return result;
    }
    std::vector<double> computed(const gn::RightFactor& factor, bool accumulate) const {
        std::vector<double> left = a, result = c;
        for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t t = k; t < a_step; ++t) left[at(i * a_step + t)] = nan;
        }
        factor.multiply(m, left.data(), a_step, result.data(), c_step, accumulate);
        return result;
    }
    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
};

void test_product(const Product& p) {
    const gn::RightFactor factor(p.k, p.n, p.b.data(), p.n, 1);
    std::vector<double> turned(p.b.size());
    for (std::int64_t t = 0; t < p.k; ++t) {
        for (std::int64_t j = 0; j < p.n; ++j) turned[Product::at(j * p.k + t)] = p.b[Product::at(t * p.n + j)];
    }
    const gn::RightFactor other(p.k, p.n, turned.data(), 1, p.k);
    CHECK(factor.rows() == p.k && factor.columns() == p.n);
    for (const bool accumulate : {false, true}) {
        CHECK(p.computed(factor, accumulate) == p.expected(accumulate));
        CHECK(p.computed(other, accumulate) == p.expected(accumulate));
    }
}

// Some rows of a factor: the product of those rows alone.
void test_kept_rows(std::int64_t k, std::int64_t n, std::int64_t every) {
    const std::vector<double> b = integers(k * n, 2);
    const gn::RightFactor whole(k, n, b.data(), n, 1);
    std::vector<std::int64_t> rows;
    for (std::int64_t i = every - 1; i < k; i += every) rows.push_back(i);
    Product p{9, static_cast<std::int64_t>(rows.size()), n};
    for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy_n(b.begin() + rows[i] * n, n, p.b.begin() + static_cast<std::int64_t>(i) * n);
    const gn::RightFactor kept = whole.keep(rows);
    CHECK(kept.rows() == p.k && kept.columns() == n);
    for (const bool accumulate : {false, true}) CHECK(p.computed(kept, accumulate) == p.expected(accumulate));
}

void test_threads() {
    const Product p{67, 90, 53};
    const gn::RightFactor factor(p.k, p.n, p.b.data(), p.n, 1);
    std::array<std::vector<double>, 4> results;
    std::vector<std::thread> threads;
    for (std::vector<double>& result : results) {
        threads.emplace_back([&] {
            const gn::EnvironmentGuard guard;
            result = p.computed(factor, true);
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<double>& result : results) CHECK(result == p.expected(true));
}

// Wherever a NaN stands, it reaches its row (its column), however many zeros it meets, and nothing else.
void test_not_finite() {
    constexpr std::int64_t m = 14, k = 9, n = 31;
    const std::vector<double> zeros(m * k, 0.0);
    for (std::int64_t column = 0; column < n; ++column) {
        std::vector<double> b(k * n, 0.0), c(m * n);
        b[Product::at(column % k * n + column)] = nan;
        gn::RightFactor(k, n, b.data(), n, 1).multiply(m, zeros.data(), k, c.data(), n, false);
        for (std::int64_t i = 0; i < m * n; ++i) CHECK(std::isnan(c[Product::at(i)]) == (i % n == column));
    }
    for (std::int64_t row = 0; row < m; ++row) {
        std::vector<double> a = zeros, c(m * n);
        a[Product::at(row * k + row % k)] = nan;
        const std::vector<double> b(k * n, 0.0);
        gn::RightFactor(k, n, b.data(), n, 1).multiply(m, a.data(), k, c.data(), n, false);
        for (std::int64_t i = 0; i < m * n; ++i) CHECK(std::isnan(c[Product::at(i)]) == (i / n == row));
    }
}

void test_rows(std::int64_t n) {
    const std::vector<double> a = integers(n, 4), below = integers(n, 5), above = integers(n, 6),
                              weight = integers(n, 7), old = integers(n, 8);
    std::vector<double> plain = old, added = old, in_place = a;
    gn::select_scale(n, a.data(), below.data(), above.data(), plain.data(), false);
    gn::select_scale(n, a.data(), below.data(), above.data(), added.data(), true);
    gn::select_scale(n, in_place.data(), below.data(), above.data(), in_place.data(), false);
    double value = 0.0, mass = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i] * (a[i] >= 0.0 ? below[i] : above[i]);
        value += x;
        mass += std::fabs(a[i]) * weight[i];
        CHECK(plain[i] == x && added[i] == old[i] + x && in_place[i] == x);
    }
    const gn::RowSums sums = gn::select_dot(n, a.data(), below.data(), above.data(), weight.data());
    CHECK(sums.value == value && sums.mass == mass);
}

}  // namespace

int main() {
    const gn::EnvironmentGuard guard;
    for (const gn::InstructionSet set : gn::available_instruction_sets()) {
        gn::use_instruction_set(gn::name_of(set));
        for (std::int64_t i = 1; i <= 60; ++i) test_product({i % 19, 1 + i * 7 % 23, i});
        for (const auto& [m, k, n] : {std::array<std::int64_t, 3>{3, 0, 5}, {0, 3, 5}, {3, 5, 0}, {140, 300, 70}})
            test_product({m, k, n});
        for (const std::int64_t k : {1, 7, 255, 256, 257, 700}) {
            for (const std::int64_t every : {1, 2, 5, 1000}) test_kept_rows(k, 37, every);
        }
        test_threads();
        test_not_finite();
        for (std::int64_t n = 0; n < 80; ++n) test_rows(n);
    }
    // A factor remembers what it was packed for.
    const Product p{10, 30, 40};
    for (const gn::InstructionSet set : gn::available_instruction_sets()) {
        gn::use_instruction_set(gn::name_of(set));
        const gn::RightFactor factor(p.k, p.n, p.b.data(), p.n, 1);
        gn::use_instruction_set("baseline");
        CHECK(p.computed(factor, false) == p.expected(false));
    }
    return check::report();
}
