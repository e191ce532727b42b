// Which instruction set the array kernels use. Every one of them keeps the theorems of docs/soundness.md; their results
// may differ in the last digits.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace gonogo::numeric {

// In ascending order of speed. `baseline` is what every processor of the architecture has: SSE2 on x86-64, NEON with
// fused multiply-add on 64-bit ARM.
enum class InstructionSet : std::uint8_t { baseline, avx2, avx512 };

// "baseline" ("neon" on 64-bit ARM), "avx2" (with FMA), "avx512" (F, BW, DQ, VL)
std::string_view name_of(InstructionSet set);

// What this processor and operating system have, baseline first.
std::vector<InstructionSet> available_instruction_sets();

// The one in use: at first the best, or the one that the environment variable GONOGO_INSTRUCTION_SET names. A name that
// isn't known or not available here is a std::invalid_argument.
InstructionSet instruction_set();

// For tests and benchmarks; not while other threads compute. std::invalid_argument as above.
void use_instruction_set(std::string_view name);

// AVX-512 VNNI: exact int8 dot products four at a time. False when a lesser set was asked for.
bool has_vnni();

// For tests, likewise: false makes has_vnni() false, so that AVX-512's own integer kernel runs where both exist.
void allow_vnni(bool allowed);

}  // namespace gonogo::numeric
