// erf(r) and its derivative (2 / sqrt(pi)) e^(-r^2) at r = j/64, rounded to nearest.
#pragma once

namespace gonogo::numeric {

inline constexpr int error_function_table_start = 16;  // j of the first row
inline constexpr int error_function_table_end = 384;   // and of the last
extern const double error_function_table[];            // erf(r), erf'(r), erf(r + 1/64), ...

}  // namespace gonogo::numeric
