#include "gonogo/numeric/tape.hpp"

#include <algorithm>
#include <cmath>

#include "numeric/kernels/select.hpp"
#include "numeric/kernels/tape.hpp"

namespace gonogo::numeric {

void run_tape_point(const TapeStep* steps, std::int64_t count, double* r) {
    for (std::int64_t s = 0; s < count; ++s) {
        const TapeStep& t = steps[s];
        double& out = r[t.out];
        switch (t.op) {
            case TapeOp::add:
                out = r[t.a] + r[t.b];
                break;
            case TapeOp::sub:
                out = r[t.a] - r[t.b];
                break;
            case TapeOp::mul:
                out = r[t.a] * r[t.b];
                break;
            case TapeOp::floor_div:
                out = std::floor(r[t.a] / r[t.b]);
                break;
            case TapeOp::ceil_div:
                out = std::ceil(r[t.a] / r[t.b]);
                break;
            case TapeOp::max:
                out = std::max(r[t.a], r[t.b]);
                break;
            case TapeOp::min:
                out = std::min(r[t.a], r[t.b]);
                break;
            case TapeOp::less:
                out = r[t.a] < r[t.b] ? 1.0 : 0.0;
                break;
            case TapeOp::equal:
                out = r[t.a] == r[t.b] ? 1.0 : 0.0;
                break;
            case TapeOp::select:
                out = r[t.a] != 0.0 ? r[t.b] : r[t.c];
                break;
            case TapeOp::add_k:
                out = r[t.a] + t.k;
                break;
            case TapeOp::mul_k:
                out = r[t.a] * t.k;
                break;
            case TapeOp::floor_div_k:
                out = std::floor(r[t.a] / t.k);
                break;
            case TapeOp::ceil_div_k:
                out = std::ceil(r[t.a] / t.k);
                break;
            case TapeOp::floor_mul_k:
                out = std::floor(r[t.a] * t.k);
                break;
            case TapeOp::ceil_mul_k:
                out = std::ceil(r[t.a] * t.k);
                break;
            case TapeOp::max_k:
                out = std::max(r[t.a], t.k);
                break;
            case TapeOp::min_k:
                out = std::min(r[t.a], t.k);
                break;
            case TapeOp::less_k:
                out = r[t.a] < t.k ? 1.0 : 0.0;
                break;
            case TapeOp::equal_k:
                out = r[t.a] == t.k ? 1.0 : 0.0;
                break;
            case TapeOp::sum: {
                double sum = t.k;
                for (const std::int64_t last = s + t.terms; s < last;) {
                    const TapeStep& term = steps[++s];
                    sum += r[term.a] * (term.op == TapeOp::term ? r[term.b] : term.k);
                }
                out = sum;
                break;
            }
            case TapeOp::term:
            case TapeOp::term_k:
                break;  // read with their sum
        }
    }
}

void run_tape_points(const TapeStep* steps, std::int64_t count, double* registers) {
    GONOGO_TABLE(tape).points(steps, count, registers);
}

void run_tape_boxes(const TapeStep* steps, std::int64_t count, double* registers) {
    GONOGO_TABLE(tape).boxes(steps, count, registers);
}

}  // namespace gonogo::numeric
