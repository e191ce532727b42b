// Floating-point arithmetic on a device, in any order of summation. Plain values.
#pragma once

#include "gonogo/numeric/roundoff.hpp"

namespace gonogo {

struct FloatingPoint {
    numeric::FloatFormat activations = numeric::binary32;  // what results are stored in
    numeric::FloatFormat weights = numeric::binary32;      // what weights and biases are stored in
    numeric::FloatFormat accumulator = numeric::binary32;  // what sums of products are formed in, or binary64
    bool may_flush = true;                                 // FTZ, DAZ or both may be on
    double function_ulps = 4.0;                            // accuracy of exp, tanh and sigmoid in ulp of the result
};

}  // namespace gonogo
