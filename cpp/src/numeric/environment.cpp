#include "gonogo/numeric/environment.hpp"

#include "gonogo/numeric/rounding.hpp"

#if defined(__SSE2__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#error "gonogo/numeric: no access to the floating-point control register known for this processor"
#endif

namespace gonogo::numeric {

namespace {

#if defined(__SSE2__)
constexpr std::uint64_t default_control = 0x1F80;  // nearest, all exceptions masked, FTZ = DAZ = 0, no flags
constexpr std::uint64_t flush_bit = 0x8000;
constexpr std::uint64_t denormal_bit = 0x0040;
constexpr unsigned rounding_shift = 13;
constexpr RoundingMode mode_of_bits[4] = {RoundingMode::nearest, RoundingMode::down, RoundingMode::up,
                                          RoundingMode::zero};
std::uint64_t read_control() {
    return _mm_getcsr();
}
void write_control(std::uint64_t value) {
    _mm_setcsr(static_cast<unsigned>(value));
}
#else
constexpr std::uint64_t default_control = 0;
constexpr std::uint64_t flush_bit = 1ULL << 24;  // FZ flushes operands and results alike
constexpr std::uint64_t denormal_bit = flush_bit;
constexpr unsigned rounding_shift = 22;
constexpr RoundingMode mode_of_bits[4] = {RoundingMode::nearest, RoundingMode::up, RoundingMode::down,
                                          RoundingMode::zero};
std::uint64_t read_control() {
    std::uint64_t value;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(value)::"memory");
    return value;
}
void write_control(std::uint64_t value) {
    __asm__ __volatile__("msr fpcr, %0" ::"r"(value) : "memory");
}
#endif

// Keeps the compiler from moving loads and stores, hence arithmetic on memory, across a change of the control register.
void memory_fence() {
    __asm__ __volatile__("" ::: "memory");
}

}  // namespace

EnvironmentGuard::EnvironmentGuard() noexcept : saved_(read_control()) {
    memory_fence();
    write_control(default_control);
    memory_fence();
}

EnvironmentGuard::~EnvironmentGuard() {
    memory_fence();
    write_control(saved_);
    memory_fence();
}

Environment current_environment() {
    const std::uint64_t control = read_control();
    return {mode_of_bits[(control >> rounding_shift) & 3], (control & flush_bit) != 0, (control & denormal_bit) != 0};
}

Environment set_environment(const Environment& environment) {
    const Environment former = current_environment();
    std::uint64_t control = default_control;
    for (std::uint64_t bits = 0; bits < 4; ++bits) {
        if (mode_of_bits[bits] == environment.rounding) {
            control |= bits << rounding_shift;
        }
    }
    control |= environment.flush_to_zero ? flush_bit : 0;
    control |= environment.denormals_are_zero ? denormal_bit : 0;
    memory_fence();
    write_control(control);
    memory_fence();
    return former;
}

std::string self_test() {
    const EnvironmentGuard guard;
    // Volatile, so that the processor answers and not the compiler.
    volatile double one = 1.0, half_ulp = 0x1p-53, ulp = 0x1p-52, tiny = 0x1p-1074, normal = 0x1p-1022, half = 0.5;
    volatile double third = 1.0 / 3.0, big = largest;
    if (one + half_ulp != 1.0 || (one + ulp) + half_ulp != 1.0 + 0x1p-51 || -one - half_ulp != -1.0) {
        return "addition doesn't round to nearest, ties to even";
    }
    if (one + (half_ulp + ulp * half_ulp) != 1.0 + 0x1p-52 || one - half_ulp * half != 1.0) {
        return "addition doesn't round to nearest";
    }
    if (!(tiny > 0.0) || tiny == 0.0 || tiny + tiny != 0x1p-1073) {
        return "subnormal operands count as zero (DAZ)";
    }
    if (normal * half != 0x1p-1023 || normal * half - tiny != 0x1p-1023 - 0x1p-1074) {
        return "subnormal results become zero (FTZ)";
    }
    if (!(big + big == infinity) || third * 3.0 != 1.0) {
        return "multiplication or overflow isn't that of IEEE 754";
    }
    if (detail::two_sum(one, tiny).residual != tiny || detail::two_product(third, third).residual == 0.0) {
        return "error-free transformations were optimised away";
    }
    if constexpr (rigorous) {
        if (!(add_up(one, tiny) > 1.0) || !(mul_down(tiny, half) == 0.0) || !(mul_up(tiny, half) == tiny)) {
            return "directed arithmetic isn't outward";
        }
    }
    return {};
}

}  // namespace gonogo::numeric
