// A device in numbers, as the cost engine sees it. gonogo.targets reads it from files that state unit and source.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonogo {

enum class Standing : std::uint8_t { exact, estimated, assumed, undecided };
std::string_view name_of(Standing standing);

// Which kernels TensorFlow Lite Micro runs: they decide the scratch buffers and the persistent structures.
enum class KernelSet : std::uint8_t {
    reference,       // TFLM's own portable kernels
    cmsis_nn_plain,  // CMSIS-NN without DSP instructions (Cortex-M0+, M3)
    cmsis_nn_dsp,    // with the DSP extension (M4, M7, M33)
    cmsis_nn_mve,    // with Helium (M55)
};

// Terms of the instruction model. Each is a count over a node's shapes with non-negative weight, hence monotone.
enum class Term : std::uint8_t {
    macs,         // multiply-accumulates, taps on padding included
    inside_macs,  // multiply-accumulates whose input lies inside the map
    outputs,      // output elements
    positions,    // output height x width
    gathered,     // elements copied by im2col: positions x window x input channels
    padding,      // taps on padding, each times input channels
    inputs,       // elements of the first input
    tail,         // macs that don't fill a group of four: (window x input channels) mod 4 per output element
    call,         // 1
};
inline constexpr std::size_t term_count = 9;

// Classes of kernels that the instruction model tells apart.
enum class KernelClass : std::uint8_t {
    conv_1x1,
    conv_general,
    depthwise_3x3,
    depthwise_general,
    depthwise_plain,  // more outputs than inputs
    dense,
    add,
    max_pool,
    average_pool,
    mean,
    softmax,
    quantize,    // between float and integer
    requantize,  // between integers
    copy,        // reshape, pad, concat: runs of elements
    permute,     // transpose, slices, resizing: element by element
    sigmoid,
    none,  // no model: latency is undecided
};
inline constexpr std::size_t kernel_class_count = 16;  // without `none`
std::string_view name_of(KernelClass kernel);
std::string_view name_of(Term term);

using Coefficients = std::array<double, term_count>;  // instructions per term

struct Bracket {
    double lower = 0.0;
    double estimate = 0.0;
    double upper = 0.0;
};

struct CostTarget {
    std::string name;
    KernelSet kernels = KernelSet::reference;
    int pointer_bits = 32;
    // Latency = instructions * cycles_per_instruction / clock. Absent parts make latency undecided.
    std::optional<double> clock_hz;
    std::array<std::optional<Coefficients>, kernel_class_count> instructions = {};
    std::optional<Bracket> cycles_per_instruction;
    Standing latency_standing = Standing::undecided;
    std::optional<Bracket> power_watts;  // whole board, under the conditions that the target's file states
};

}  // namespace gonogo
