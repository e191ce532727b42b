// Theorem 59 in back substitution: rows that make use of the side on which a variable lies, with any multiplier.
#include <cmath>
#include <cstdint>

#include "check.hpp"
#include "linear/backward.hpp"
#include "linear/solver.hpp"

namespace gl = gonogo::linear;

namespace {

double uniform(std::uint64_t& state) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 11) * 0x1p-53;
}

// Input x, y = w x, target z = 3 y.
gl::System chain(double w) {
    gl::System s;
    const gl::Block one{1, 1, 1};
    gl::Step input;
    input.name = "x";
    s.add(one, std::move(input));
    for (const double weight : {w, 3.0}) {
        gl::Step step;
        step.kind = gl::Step::Kind::affine;
        step.name = "y";
        step.terms.push_back({static_cast<gl::BlockId>(s.blocks.size()) - 1, gl::diagonal_map(one, weight)});
        s.add(one, std::move(step));
    }
    return s;
}

double bound(const gl::System& s, double lo, double hi, const gl::Phase& phase, double sign, double multiplier) {
    std::vector<gl::BoxState> states{gl::BoxState(s)};
    states[0].block(0).lo = {lo};
    states[0].block(0).hi = {hi};
    states[0].phases = {phase};
    gl::Solver(s).run(states, {});
    CHECK(!states[0].empty);
    double result = 0.0;
    const gl::Query query{&states[0], 0, sign, nullptr, nullptr, {&multiplier, 1}};
    gl::lower_bounds(s, 2, {&query, 1}, {&result, 1});
    return result;
}

}  // namespace

int main() {
    std::uint64_t seed = 7;
    int below = 0;
    for (int k = 0; k < 20000; ++k) {
        // At a point, on the limit itself: whatever the multiplier, 3 y - m (y - limit) is 3 y exactly.
        const double x = uniform(seed) - 0.5;
        const gl::System s = chain(1.0);
        for (const bool above : {false, true}) {
            const double sign = uniform(seed) < 0.5 ? 1.0 : -1.0;
            const double m = std::ldexp(uniform(seed), static_cast<int>(12.0 * uniform(seed)) - 4);
            const double found = bound(s, x, x, {1, 0, x, above}, sign, m);
            const long double exact = static_cast<long double>(sign) * 3.0L * x;
            CHECK(static_cast<long double>(found) <= exact);
            CHECK(std::fabs(static_cast<double>(exact) - found) <= 1e-12 * (1.0 + m));
            if (static_cast<long double>(found) < exact) ++below;
        }
    }
    CHECK(below > 0);

    // z over x in [-1, 1], where y = x is at least 0.5: 1.5 with the right multiplier, a lower bound with any.
    const gl::System s = chain(1.0);
    const gl::Phase half{1, 0, 0.5, true};
    for (const double m : {0.0, 1.0, 2.5, 3.0, 3.5, 1e3, 1e300}) {
        const double found = bound(s, -1.0, 1.0, half, 1.0, m);
        CHECK(found <= 1.5);
        if (m == 3.0) CHECK(found > 1.5 - 1e-12);
    }
    CHECK(bound(s, -1.0, 1.0, half, 1.0, HUGE_VAL) == -HUGE_VAL);

    // Sides that contradict each other, and one that lies beyond the range.
    for (const double limit : {0.25, -2.0}) {
        std::vector<gl::BoxState> states{gl::BoxState(s)};
        states[0].block(0).lo = {-1.0};
        states[0].block(0).hi = {1.0};
        states[0].phases = {half, {1, 0, limit, false}};
        gl::Solver(s).run(states, {});
        CHECK(states[0].empty);
    }
    return check::report();
}
