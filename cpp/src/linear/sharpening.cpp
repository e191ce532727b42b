#include "linear/sharpening.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

Method next(Method m) {
    return m == Method::interval ? Method::linear : Method::optimised;
}

}  // namespace

Sharpening::Sharpening(const System& system, std::span<BoxState> state, std::span<const Objective> objectives,
                       Method reached, Method wanted)
    : s_(system),
      state_(state),
      elements_(system.blocks.size()),
      stage_(next(reached)),
      wanted_(wanted),
      finished_(reached >= wanted) {
    for (const Objective& o : objectives) elements_[at(o.block)].push_back(o.element);
}

double Sharpening::more(double multiplies) {
    if (finished_) return 0.0;
    double left = multiplies;
    next_ = Solver(s_).pass(state_, {.method = stage_}, left, next_);
    settled_ = false;
    if (next_ < static_cast<BlockId>(s_.blocks.size())) return multiplies - left;
    settle();
    finished_ = stage_ >= wanted_;
    stage_ = next(stage_);
    next_ = 0;
    return multiplies - left;
}

void Sharpening::settle() {
    if (settled_) return;
    const Solver solver(s_);
    solver.propagate(state_, next_);
    // Slopes for the objectives themselves are left to those who split: they know which ones decide.
    for (BlockId b = 0; b < static_cast<BlockId>(s_.blocks.size()); ++b) {
        if (elements_[at(b)].empty()) continue;
        double enough = infinity;
        solver.refine(state_, b, {&elements_[at(b)], 1}, enough);
    }
    settled_ = true;
}

}  // namespace gonogo::linear
