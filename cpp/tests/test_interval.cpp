// Intervals without Python: the headers as a C++ program uses them. The large tests are in tests/numeric.
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "gonogo/numeric/directed.hpp"
#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/interval_arrays.hpp"
#include "gonogo/numeric/interval_functions.hpp"
#include "gonogo/numeric/interval_numbers.hpp"
#include "gonogo/numeric/interval_sets.hpp"
#include "gonogo/numeric/interval_text.hpp"
#include "gonogo/numeric/reductions.hpp"

#include "check.hpp"

namespace gn = gonogo::numeric;
using check::throws;
using gn::Interval;

namespace {

constexpr double inf = gn::infinity;
const Interval nothing = Interval::empty();

void test_empty() {
    const Interval x{1.0, 2.0};
    CHECK(nothing.is_empty() && !nothing.is_bounded() && nothing.magnitude() == inf && nothing.width_up() == inf);
    CHECK((nothing + x).is_empty() && (x - nothing).is_empty() && (nothing * x).is_empty() && (x / nothing).is_empty());
    CHECK(gn::sqr(nothing).is_empty() && gn::abs(nothing).is_empty() && gn::sqrt(nothing).is_empty());
    CHECK(gn::min(nothing, x).is_empty() && gn::max(x, nothing).is_empty() && gn::hull(nothing, x) == x);
    CHECK(gn::scale(nothing, 2.0).is_empty() && (-nothing) == nothing);
    CHECK(gn::sqrt({-2.0, -1.0}).is_empty() && gn::sqrt({-1.0, 4.0}) == (Interval{0.0, 2.0}));
    CHECK((x / Interval::point(0.0)).is_empty() &&
          (Interval{0.0, 0.0}) / (Interval{-1.0, 1.0}) == Interval::point(0.0));
    CHECK(gn::intersection(x, {3.0, 4.0}) == nothing && gn::intersection(x, {2.0, 4.0}) == Interval::point(2.0));
}

void test_functions() {
    CHECK(gn::fma_up(0x1p-1074, 0.5, 0.0) == 0x1p-1074 && gn::fma_down(0x1p-1074, 0.5, 0.0) == 0.0);
    CHECK(gn::fma_up(gn::largest, gn::largest, -gn::largest) == inf);
    CHECK(gn::fma({1.0, 2.0}, {3.0, 4.0}, {-1.0, 1.0}) == (Interval{2.0, 9.0}));
    CHECK(gn::pown({-3.0, 2.0}, 2) == (Interval{0.0, 9.0}) && gn::pown({-2.0, 4.0}, -1) == Interval::entire());
    CHECK(gn::pown_up(3.0, 34) > gn::pown_down(3.0, 34) && gn::pown_up(3.0, 33) == gn::pown_down(3.0, 33));
    CHECK(gn::recip({0.0, 4.0}) == (Interval{0.25, inf}) && gn::sign({-2.0, 3.0}) == (Interval{-1.0, 1.0}));
    CHECK(gn::round_ties_to_even({0.5, 2.5}) == (Interval{0.0, 2.0}));
    CHECK(gn::round_ties_to_away({0.5, 2.5}) == (Interval{1.0, 3.0}));
    CHECK(gn::cancel_minus({2.0, 5.0}, {1.0, 2.0}) == (Interval{1.0, 3.0}));
    CHECK(gn::cancel_minus({1.0, 2.0}, {2.0, 5.0}) == Interval::entire());
}

void test_sets_and_numbers() {
    CHECK(gn::overlap({1.0, 2.0}, {2.0, 3.0}) == gn::Overlap::meets);
    CHECK(gn::overlap(nothing, {2.0, 3.0}) == gn::Overlap::first_empty);
    CHECK(gn::interior({1.0, 2.0}, Interval::entire()) && !gn::interior({1.0, 2.0}, {1.0, 3.0}));
    CHECK(gn::mid({0.0, inf}) == gn::largest && std::isnan(gn::mid(nothing)) && gn::rad({0.0, 2.0}) == 1.0);
    CHECK(std::signbit(gn::inf({0.0, 1.0})) && !std::signbit(gn::sup({-1.0, -0.0})));
    CHECK(throws<std::invalid_argument>([] { gn::from_mid_rad(0.0, -1.0); }));
}

void test_reductions() {
    const std::vector<double> x = {1e300, 1.0, -1e300}, y = {1e300, 2.0, 1e300};
    CHECK(gn::sum(x) == 1.0 && gn::sum_abs(x) == 2e300 && gn::sum_square(x) == inf && gn::dot(x, y) == 2.0);
    CHECK(throws<std::invalid_argument>([&] { gn::dot(x, std::vector{1.0}); }));
}

void test_text() {
    CHECK(gn::parse_interval("[0.5, 3/4]") == (Interval{0.5, 0.75}));
    CHECK(gn::parse_interval("[empty]").is_empty() && gn::parse_interval("[,]") == Interval::entire());
    CHECK(gn::parse_interval("-10??u") == (Interval{-10.0, inf}));
    CHECK(gn::interval_text({0.5, 2.0}) == "[0.5, 2]" && gn::interval_text(nothing) == "[empty]");
    CHECK(throws<std::invalid_argument>([] { gn::parse_interval("[2, 1]"); }));
}

// Every instruction set against the operators: exponents all over, zeros, infinities and empty sets among them.
void test_arrays() {
    constexpr std::int64_t count = 5000;
    std::uint64_t state = 1;
    const auto number = [&] {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto exponent = static_cast<int>((state >> 40) % 2200) - 1100;
        const double x =
            std::ldexp(static_cast<double>(static_cast<std::int64_t>(state)), (state >> 60) < 4 ? exponent : -60);
        return (state >> 33) % 50 == 0 ? 0.0 : x;
    };
    std::vector<double> ends[4];
    for (std::int64_t i = 0; i < count; ++i) {
        for (int k = 0; k < 4; k += 2) {
            const Interval x = i % 97 == 0 ? nothing : Interval::hull(number(), number());
            ends[k].push_back(x.lo);
            ends[k + 1].push_back(x.hi);
        }
    }
    const gn::IntervalsView a{ends[0].data(), ends[1].data()}, b{ends[2].data(), ends[3].data()};
    std::vector<double> lo(count), hi(count);
    const gn::InstructionSet former = gn::instruction_set();
    for (const gn::InstructionSet set : gn::available_instruction_sets()) {
        gn::use_instruction_set(gn::name_of(set));
        for (const bool repeated : {false, true}) {
            const gn::IntervalsView c{b.lo + 1, b.hi + 1, true};
            for (const auto operation : {gn::Arithmetic::add, gn::Arithmetic::sub, gn::Arithmetic::mul,
                                         gn::Arithmetic::div, gn::Arithmetic::sqr}) {
                gn::apply(operation, a, repeated ? c : b, lo.data(), hi.data(), count);
                std::int64_t wrong = 0;
                for (std::int64_t i = 0; i < count; ++i) {
                    const Interval x{a.lo[i], a.hi[i]};
                    const Interval y = repeated ? Interval{*c.lo, *c.hi} : Interval{b.lo[i], b.hi[i]};
                    const Interval z = operation == gn::Arithmetic::add   ? x + y
                                       : operation == gn::Arithmetic::sub ? x - y
                                       : operation == gn::Arithmetic::mul ? x * y
                                       : operation == gn::Arithmetic::div ? x / y
                                                                          : gn::sqr(x);
                    const auto at = static_cast<std::size_t>(i);
                    wrong += z == Interval{lo[at], hi[at]} ? 0 : 1;
                }
                CHECK(wrong == 0);
            }
        }
    }
    gn::use_instruction_set(gn::name_of(former));
}

}  // namespace

int main() {
    if (!gn::rigorous) {
        return 0;
    }
    const gn::EnvironmentGuard guard;
    test_empty();
    test_functions();
    test_sets_and_numbers();
    test_reductions();
    test_text();
    test_arrays();
    return check::report();
}
