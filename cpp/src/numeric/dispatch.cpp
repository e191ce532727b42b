#include "gonogo/numeric/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace gonogo::numeric {

namespace {

bool is_available(InstructionSet set) {
#if defined(__x86_64__) && defined(__GNUC__)
    // These also ask the operating system whether it saves the registers.
    __builtin_cpu_init();
    switch (set) {
        case InstructionSet::avx2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case InstructionSet::avx512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case InstructionSet::baseline:
            break;
    }
#endif
    return set == InstructionSet::baseline;
}

InstructionSet named(std::string_view name, std::string_view origin) {
    std::string known;
    for (const InstructionSet set : available_instruction_sets()) {
        if (name == name_of(set)) {
            return set;
        }
        known += known.empty() ? "" : ", ";
        known += name_of(set);
    }
    throw std::invalid_argument(std::string(origin) + " '" + std::string(name) + "': this machine has " + known);
}

InstructionSet first_choice() {
    const char* wanted = std::getenv("GONOGO_INSTRUCTION_SET");
    return wanted != nullptr && *wanted != '\0' ? named(wanted, "GONOGO_INSTRUCTION_SET")
                                                : available_instruction_sets().back();
}

std::atomic<InstructionSet>& current() {
    static std::atomic<InstructionSet> set{first_choice()};
    return set;
}

}  // namespace

std::string_view name_of(InstructionSet set) {
    switch (set) {
        case InstructionSet::avx2:
            return "avx2";
        case InstructionSet::avx512:
            return "avx512";
        case InstructionSet::baseline:
            break;
    }
#if defined(__aarch64__)
    return "neon";
#else
    return "baseline";
#endif
}

std::vector<InstructionSet> available_instruction_sets() {
    // Asked once: CPUID is slow on virtual machines.
    static const std::vector<InstructionSet> available = [] {
        std::vector<InstructionSet> sets;
        for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
            if (is_available(set)) {
                sets.push_back(set);
            }
        }
        return sets;
    }();
    return available;
}

InstructionSet instruction_set() {
    return current().load(std::memory_order_relaxed);
}

void use_instruction_set(std::string_view name) {
    current().store(named(name, "instruction set"), std::memory_order_relaxed);
}

namespace {
std::atomic<bool> vnni_allowed{true};
}

void allow_vnni(bool allowed) {
    vnni_allowed.store(allowed, std::memory_order_relaxed);
}

bool has_vnni() {
#if defined(__x86_64__) && defined(__GNUC__)
    static const bool supported = __builtin_cpu_supports("avx512vnni") != 0;
    return supported && vnni_allowed.load(std::memory_order_relaxed) && instruction_set() == InstructionSet::avx512;
#else
    return false;
#endif
}

}  // namespace gonogo::numeric
