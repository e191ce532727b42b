#include "gonogo/ir/tape.hpp"

#include <algorithm>
#include <bit>

#include "gonogo/numeric/parallel.hpp"

#include "numeric/workspace.hpp"

namespace gonogo {

namespace {

constexpr std::int64_t width = numeric::tape_width;
constexpr std::int64_t blocks_per_part = 16;

}  // namespace

void Tape::set_constants(double* registers, std::int64_t stride) const {
    for (const auto& [where, value] : constants_) {
        for (std::int64_t i = 0; i < stride; ++i) registers[where * stride + i] = value;
    }
}

std::string Tape::text() const {
    std::string out;
    const auto put = [&](auto... numbers) { ((out += std::to_string(numbers), out += ' '), ...); };
    const auto put_real = [&](double x) { put(std::bit_cast<std::uint64_t>(x)); };
    for (const auto& [where, value] : constants_) {
        put(where);
        put_real(value);
    }
    for (const numeric::TapeStep& s : steps_) {
        put(static_cast<int>(s.op), s.out, s.a, s.b, s.c);
        put_real(s.k);
    }
    for (const std::int32_t o : outputs_) put(o);
    return out;
}

std::vector<std::size_t> Tape::support(std::size_t i) const {
    // Backwards from the output: which registers matter before each step.
    std::vector<char> matters(static_cast<std::size_t>(registers_), 0);
    const auto flag = [&](std::int32_t r) -> char& { return matters[static_cast<std::size_t>(r)]; };
    flag(outputs_[i]) = 1;
    for (std::size_t s = steps_.size(); s-- > 0;) {
        const numeric::TapeStep& step = steps_[s];
        if (flag(step.out) == 0) continue;
        const bool is_term = step.op == numeric::TapeOp::term || step.op == numeric::TapeOp::term_k;
        if (!is_term) flag(step.out) = 0;                // a sum comes before its terms
        flag(step.a) = flag(step.b) = flag(step.c) = 1;  // operands not used repeat the first
    }
    std::vector<std::size_t> variables;
    for (std::size_t v = 0; v < variables_; ++v) {
        if (matters[v] != 0) variables.push_back(v);
    }
    return variables;
}

void Tape::point(std::span<double> registers) const {
    set_constants(registers.data(), 1);
    numeric::run_tape_point(steps_.data(), static_cast<std::int64_t>(steps_.size()), registers.data());
}

void Tape::blocks(std::int64_t rows, std::int64_t in_block, Kernel run, const Block& fill, const Block& take) const {
    const auto count = static_cast<std::int64_t>(steps_.size());
    const std::int64_t blocks = (rows + in_block - 1) / in_block;
    numeric::parallel_for(blocks, blocks_per_part, [&](std::int64_t from, std::int64_t to) {
        // On cache lines of its own: a vector that lies across two costs twice.
        static thread_local numeric::Workspace workspace;
        const numeric::Workspace::Use<double> room(workspace, registers_ * width);
        double* const registers = room.get();
        // Rows past the end compute on zeros or on an earlier block's numbers; nobody reads the results.
        std::fill_n(registers, static_cast<std::int64_t>(variables_) * width, 0.0);
        set_constants(registers, width);
        for (std::int64_t block = from; block < to; ++block) {
            const std::int64_t first = block * in_block;
            const std::int64_t here = std::min(in_block, rows - first);
            fill(first, here, registers);
            run(steps_.data(), count, registers);
            take(first, here, registers);
        }
    });
}

void Tape::points(std::int64_t rows, const Block& fill, const Block& take) const {
    blocks(rows, width, numeric::run_tape_points, fill, take);
}

void Tape::boxes(std::int64_t rows, const Block& fill, const Block& take) const {
    blocks(rows, numeric::tape_boxes, numeric::run_tape_boxes, fill, take);
}

}  // namespace gonogo
