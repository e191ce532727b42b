// The numeric room without Python. The large tests against exact oracles are in tests/numeric; here are the ones that
// need C++ (guard scopes, compile-time contract, kernels called as the engines call them).
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gonogo/numeric/convolution.hpp"
#include "gonogo/numeric/decimal.hpp"
#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/environment.hpp"

#include "check.hpp"

namespace gn = gonogo::numeric;

namespace {

using check::throws;

void test_guard() {
    const gn::Environment hostile{gn::RoundingMode::up, true, true};
    const gn::Environment found = gn::set_environment(hostile);
    {
        const gn::EnvironmentGuard guard;
        CHECK(gn::current_environment() == gn::Environment{});
        {
            const gn::EnvironmentGuard inner;
            CHECK(gn::current_environment() == gn::Environment{});
        }
        CHECK(gn::current_environment() == gn::Environment{});
    }
    CHECK(gn::current_environment() == hostile);
    CHECK(gn::self_test().empty());
    CHECK(gn::current_environment() == hostile);
    std::thread([&] {
        gn::set_environment({gn::RoundingMode::down, false, true});
        const gn::EnvironmentGuard guard;
        CHECK(gn::current_environment() == gn::Environment{});
    }).join();
    CHECK(gn::current_environment() == hostile);
    CHECK(gn::set_environment(found) == hostile);
}

void test_directed() {
    CHECK(gn::next_up(0.0) == gn::smallest_subnormal && gn::next_up(-0.0) == gn::smallest_subnormal);
    CHECK(gn::next_up(gn::largest) == gn::infinity && gn::next_up(-gn::infinity) == -gn::largest);
    CHECK(gn::next_down(1.0) == 1.0 - 0x1p-53 && gn::next_up(1.0) == 1.0 + 0x1p-52);
    CHECK(gn::add_up(1.0, 0x1p-200) == 1.0 + 0x1p-52 && gn::add_down(1.0, 0x1p-200) == 1.0);
    CHECK(gn::add_up(gn::largest, gn::largest) == gn::infinity &&
          gn::add_down(gn::largest, gn::largest) == gn::largest);
    CHECK(gn::sub_up(1.0, 0.25) == 0.75 && gn::sub_down(1.0, 0.25) == 0.75);
    CHECK(gn::mul_up(0x1p-600, 0x1p-600) == gn::smallest_subnormal && gn::mul_down(0x1p-600, 0x1p-600) == 0.0);
    CHECK(gn::mul_up(0x1p-537, 0x1p-537) == 0x1p-1074 && gn::mul_down(0x1p-537, 0x1p-537) == 0x1p-1074);
    CHECK(gn::div_up(1.0, 3.0) == gn::next_up(gn::div_down(1.0, 3.0)));
    CHECK(gn::sqrt_down(2.0) < gn::sqrt_up(2.0) && gn::sqrt_down(9.0) == 3.0 && gn::sqrt_up(9.0) == 3.0);
}

void test_intervals() {
    using gn::Interval;
    CHECK(Interval::hull(2.0, -1.0) == (Interval{-1.0, 2.0}));
    CHECK(Interval::point(gn::infinity) == (Interval{gn::largest, gn::infinity}));
    CHECK(Interval::hull(0.0, gn::infinity - gn::infinity) == Interval::entire());
    CHECK(Interval::entire() * Interval::point(0.0) == Interval::point(0.0));
    CHECK((Interval{-1.0, 2.0}) * (Interval{-3.0, 4.0}) == (Interval{-6.0, 8.0}));
    CHECK(gn::scale({-1.0, 2.0}, -0.5) == (Interval{-1.0, 0.5}) &&
          gn::scale({1.0, 2.0}, gn::infinity) == Interval::entire());
    CHECK(gn::sqr({-3.0, 2.0}) == (Interval{0.0, 9.0}) && gn::abs({-3.0, 2.0}) == (Interval{0.0, 3.0}));
    CHECK((Interval{0.0, 1.0}).contains(0.5) && !(Interval{0.0, 1.0}).contains(Interval{0.5, 2.0}));
    CHECK(throws<std::logic_error>([] { gn::intersect({0.0, 1.0}, {2.0, 3.0}); }));
    CHECK(gn::exp({0.0, 0.0}) == Interval::point(1.0) && gn::tanh(Interval::entire()) == (Interval{-1.0, 1.0}));
}

// Small integers: everything is exact, so the bounds differ from the hull by the a-priori term alone.
void test_affine() {
    const std::vector<double> w = {1.0, -2.0, 3.0, 4.0, 0.0, -6.0};  // 3 terms x 2 outputs
    const std::vector<double> lo = {-1.0, 0.0, 2.0}, hi = {1.0, 2.0, 2.0};
    const std::vector<double> bias = {10.0, 10.0};
    gn::ConvolutionShape shape;
    shape.in_c = 3;
    shape.out_c = 2;
    std::vector<gn::Interval> y(2);
    const auto bounds = [&](const std::vector<double>& weights) {
        std::vector<double> least(2), most(2);
        gn::Convolution<double>(shape, weights.data(), gn::WeightSteps::ghwio(shape))
            .apply(lo.data(), hi.data(), bias.data(), bias.data(), least.data(), most.data());
        y = {{least[0], most[0]}, {least[1], most[1]}};
    };
    bounds(w);
    CHECK(y[0].contains(gn::Interval{9.0, 17.0}) && y[0].width_up() < 8.0 + 1e-13);
    CHECK(y[1].contains(gn::Interval{-4.0, 8.0}) && y[1].width_up() < 12.0 + 1e-13);
    bounds({gn::largest, 0.0, 0.0, 0.0, gn::largest, 0.0});  // overflows in the first output alone
    CHECK(y[0] == gn::Interval::entire() && y[1].contains(10.0) && y[1].width_up() < 1e-13);
    shape.in_c = -1;
    CHECK(throws<std::invalid_argument>([&] { bounds(w); }));
    shape.in_c = (std::int64_t{1} << 40) + 1;
    CHECK(throws<std::invalid_argument>([&] { bounds(w); }));
}

void test_decimals() {
    const gn::Interval tenth = gn::parse_decimal("0.1");
    CHECK(tenth.hi == 0.1 && tenth.lo == gn::next_down(0.1));
    CHECK(gn::parse_decimal("-2.5e1") == gn::Interval::point(-25.0));
    CHECK(gn::decimal_down(1.0 / 3.0, 3) == "0.333" && gn::decimal_up(1.0 / 3.0, 3) == "0.334");
    CHECK(throws<std::invalid_argument>([] { gn::parse_decimal("1e"); }));
}

}  // namespace

int main() {
    if (!gn::rigorous) {
        std::puts("negative control: nothing to test");
        return 0;
    }
    test_guard();
    test_directed();
    test_intervals();
    test_affine();
    test_decimals();
    return check::report();
}
