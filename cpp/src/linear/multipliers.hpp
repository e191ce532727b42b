// Multipliers of half spaces: how much of each a row takes so that its least value over a box gets as high as it can.
// Any are sound (Theorem 59); these come near the best ones for given forms.
#pragma once

#include <span>
#include <vector>

namespace gonogo::linear {

// Raises f(m) = min over lo <= x <= hi of row(x) + sum_k m_k half_k(x), m >= 0, from where `multipliers` stands; never
// lowers it. `steps`: how many to take at each of a few
// levels of detail. `forms`: the
// row, then the half spaces half_k(x) <= 0, each with a coefficient for every input, then its constant; what isn't
// finite takes no part.
void raise(std::span<const double> forms, std::span<const double> lo, std::span<const double> hi,
           std::vector<double>& multipliers, int steps);

}  // namespace gonogo::linear
