// The floating-point environment of the calling thread. Nothing in the library changes it except through this guard.
#pragma once

#include <cstdint>
#include <string>

#include "gonogo/numeric/strict.hpp"

namespace gonogo::numeric {

// While it lives: round-to-nearest, subnormals kept (no FTZ, no DAZ), exceptions masked. Afterwards exactly what was
// found, sticky flags included. Every exported function and every worker thread opens one before it reads its operands:
// its calls are opaque to the compiler, so arithmetic on operands loaded after it can't move in front of it.
class EnvironmentGuard {
  public:
    EnvironmentGuard() noexcept;
    ~EnvironmentGuard();
    EnvironmentGuard(const EnvironmentGuard&) = delete;
    EnvironmentGuard& operator=(const EnvironmentGuard&) = delete;

  private:
    std::uint64_t saved_;
};

enum class RoundingMode : std::uint8_t { nearest, down, up, zero };

struct Environment {
    RoundingMode rounding = RoundingMode::nearest;
    bool flush_to_zero = false;       // FTZ: subnormal results become zero
    bool denormals_are_zero = false;  // DAZ: subnormal operands count as zero
    friend bool operator==(const Environment&, const Environment&) = default;
};

// For tests that prove that the guard works: library code never calls these two.
Environment current_environment();
Environment set_environment(const Environment& environment);  // returns the former one

// Checks, under a guard, that the processor and the compiler keep the assumptions of docs/soundness.md.
// Empty when they do, else what failed.
std::string self_test();

}  // namespace gonogo::numeric
