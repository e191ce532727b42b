// What is under test.
#pragma once

#include <string>

#include "gonogo/numeric/elementary.hpp"

#include "check.hpp"

namespace deep {

inline gonogo::numeric::Function function_of(Name f) {
    return gonogo::numeric::function_named(text_of(f));
}

// The array kernel of the instruction set in use.
inline void array_kernel(Name f, const double* lo, const double* hi, double* out_lo, double* out_hi,
                         std::int64_t count) {
    gonogo::numeric::apply(function_of(f), lo, hi, out_lo, out_hi, count);
}

// The same functions for one interval.
inline void scalar_kernel(Name f, const double* lo, const double* hi, double* out_lo, double* out_hi,
                          std::int64_t count) {
    const gonogo::numeric::Function function = function_of(f);
    for (std::int64_t i = 0; i < count; ++i) {
        const gonogo::numeric::Interval y = gonogo::numeric::apply(function, {lo[i], hi[i]});
        out_lo[i] = y.lo;
        out_hi[i] = y.hi;
    }
}

Kernel audit_kernel(const std::string& name);  // nullptr: no such name

}  // namespace deep
