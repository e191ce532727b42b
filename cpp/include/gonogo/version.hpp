#pragma once

namespace gonogo {

inline constexpr const char* version = "0.1.0";

}  // namespace gonogo
