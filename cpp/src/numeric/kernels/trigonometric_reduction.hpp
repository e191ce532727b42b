// The slow, exact way from x to x - n pi/2, for huge x and for x next to a multiple of pi/2.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

struct ExactQuarters {
    double high, low;  // their sum differs from x - n pi/2 by at most 2^-66 of it
    std::int64_t n;    // mod 4; |x - n pi/2| <= pi/4
    bool certain;      // false: x isn't finite, or the sum may be worse than that
};
ExactQuarters reduce_quarters_exactly(double x);

}  // namespace gonogo::numeric
