// How the products go through the kernels: what is packed, in which order, by which thread. Every output's sum has one
// order, whatever the number of threads. What the sums are good for is Theorem 25 (kernels/affine.inl).
#include "gonogo/numeric/matrix.hpp"

#include <algorithm>
#include <stdexcept>

#include "gonogo/numeric/parallel.hpp"

#include "numeric/kernels/affine.hpp"
#include "numeric/kernels/select.hpp"
#include "numeric/matrix_bound.hpp"
#include "numeric/workspace.hpp"

namespace gonogo::numeric {

namespace {

// One task packs its rows of `a`, which for most k then stay in the second-level cache, and goes through its columns
// panel by panel; each block of a panel stays in the first-level cache meanwhile.
constexpr std::int64_t task_row_bytes = 240;
constexpr std::int64_t most_task_columns = 4096;
constexpr std::int64_t tasks_wanted = 16;
constexpr std::int64_t vector_task_rows = 64;

// Numbers in a line of the cache. A panel's rows lie n numbers apart, which the hardware doesn't foresee: they are
// fetched some rows ahead.
template <class T>
constexpr std::int64_t line = 64 / sizeof(T);

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

// Panels of all blocks of terms: block d starts at term d * depth; inside a block all panels follow each other.
struct Panels {
    std::int64_t terms;
    std::int64_t depth;
    std::int64_t width;  // numbers per term and half
    std::int64_t count;  // panels per block

    std::int64_t blocks() const { return ceil_divide(terms, depth); }
    std::int64_t length(std::int64_t block) const { return std::min(depth, terms - block * depth); }
    std::int64_t size() const { return terms * 2 * width * count; }
    std::int64_t at(std::int64_t block, std::int64_t panel) const {
        return (block * depth * count + panel * length(block)) * 2 * width;
    }
};

template <class T>
struct Product {
    const ProductKernels<T>& kernels;
    const T* a;
    const T* lo;
    const T* hi;
    std::int64_t m, k, n;
    T* c_lo;
    T* c_hi;
    double rho;

    void run() const;
    void run_vector() const;

  private:
    struct Task {
        std::int64_t row, rows;      // of the result
        std::int64_t panel, panels;  // of columns
    };
    void run_task(const Task& task, const ProductBound<T>& bound, const Panels& right, const T* packed_x) const;
    void pack_rows(const Task& task, const Panels& left, T* packed) const;
    void pack_intervals(const Panels& panels, std::int64_t first, std::int64_t last, Inflation<T> inflation,
                        T* packed) const;
    void multiply_panel(const Panels& left, const T* packed_a, const Panels& right, std::int64_t panel,
                        const T* packed_x, T* blocks, double* sums) const;
};

template <class T>
void Product<T>::pack_rows(const Task& task, const Panels& left, T* packed) const {
    for (std::int64_t q = 0; q < left.count; ++q) {
        const T* from = a + (task.row + q * left.width) * k;
        for (std::int64_t block = 0; block < left.blocks(); ++block) {
            kernels.pack_weights(task.rows - q * left.width, left.length(block), from + block * left.depth, k,
                                 packed + left.at(block, q));
        }
    }
}

template <class T>
void Product<T>::pack_intervals(const Panels& panels, std::int64_t first, std::int64_t last, Inflation<T> inflation,
                                T* packed) const {
    constexpr std::int64_t ahead = 16;
    const std::int64_t columns = panels.width;
    const std::int64_t end = std::min(last * columns, n);
    for (std::int64_t t = 0; t < k; ++t) {
        if (t + ahead < k) {
            for (std::int64_t at = (t + ahead) * n + first * columns; at < (t + ahead) * n + end; at += line<T>) {
                __builtin_prefetch(lo + at, 0, 2);
                __builtin_prefetch(hi + at, 0, 2);
            }
        }
        const std::int64_t block = t / panels.depth;
        for (std::int64_t panel = first; panel < last; ++panel) {
            T* const out = packed + panels.at(block, panel) + (t - block * panels.depth) * 2 * columns;
            const std::int64_t from = t * n + panel * columns;
            const std::int64_t count = std::min(columns, n - panel * columns);
            if (count < columns) {
                std::fill(out, out + 2 * columns, T(0));
            }
            kernels.inflate(count, lo + from, hi + from, inflation, out, out + columns);
        }
    }
}

template <class T>
void Product<T>::run() const {
    const ProductBound<T> bound(k, tile_roundings(kernels, k), rho);
    const Panels right{k, kernels.depth, kernels.columns, ceil_divide(n, kernels.columns)};
    thread_local Workspace workspace;
    const Workspace::Use<T> packed(workspace, right.size());
    T* const packed_x = packed.get();
    parallel_for(right.count, 4, [&](std::int64_t first, std::int64_t last) {
        pack_intervals(right, first, last, bound.inflation(), packed_x);
    });

    constexpr std::int64_t task_rows = task_row_bytes / sizeof(T);
    const std::int64_t tasks_down = ceil_divide(m, task_rows);
    const std::int64_t strips =
        std::max(ceil_divide(n, most_task_columns), std::min(ceil_divide(tasks_wanted, tasks_down), right.count));
    const std::int64_t across = ceil_divide(right.count, strips);
    parallel_for(tasks_down * ceil_divide(right.count, across), 1, [&](std::int64_t number, std::int64_t) {
        const std::int64_t row = number % tasks_down * task_rows;
        const std::int64_t panel = number / tasks_down * across;
        run_task({row, std::min(task_rows, m - row), panel, std::min(across, right.count - panel)}, bound, right,
                 packed_x);
    });
}

template <class T>
void Product<T>::run_task(const Task& task, const ProductBound<T>& bound, const Panels& right,
                          const T* packed_x) const {
    const std::int64_t rows = kernels.rows, columns = kernels.columns, tile = rows * columns;
    const Panels left{k, kernels.depth, rows, ceil_divide(task.rows, rows)};
    thread_local Workspace a_space;
    thread_local Workspace block_space;
    thread_local Workspace sum_space;
    const Workspace::Use<T> packed_a(a_space, left.size());
    const Workspace::Use<T> blocks(block_space, left.count * 2 * tile);
    const Workspace::Use<double> sums(sum_space, left.count * 2 * tile);
    pack_rows(task, left, packed_a.get());
    for (std::int64_t p = task.panel; p < task.panel + task.panels; ++p) {
        multiply_panel(left, packed_a.get(), right, p, packed_x, blocks.get(), sums.get());
        constexpr std::int64_t ahead = 8;
        const std::int64_t width = std::min(columns, n - p * columns);
        for (std::int64_t i = 0; i < task.rows; ++i) {
            if (i + ahead < task.rows) {
                const std::int64_t next = (task.row + i + ahead) * n + p * columns;
                for (std::int64_t j = 0; j < width; j += line<T>) {
                    __builtin_prefetch(c_lo + next + j, 1);
                    __builtin_prefetch(c_hi + next + j, 1);
                }
            }
            const double* M = sums.get() + i / rows * 2 * tile + i % rows * columns;
            const std::int64_t to = (task.row + i) * n + p * columns;
            kernels.finish(width, M, M + tile, bound.sum_factor(), bound.sum_underflow(), c_lo + to, c_hi + to);
        }
    }
}

// The tiles of all packed rows and one panel of columns.
template <class T>
void Product<T>::multiply_panel(const Panels& left, const T* packed_a, const Panels& right, std::int64_t panel,
                                const T* packed_x, T* blocks, double* sums) const {
    const std::int64_t tile = left.width * right.width;
    for (std::int64_t block = 0; block < left.blocks(); ++block) {
        const T* x = packed_x + right.at(block, panel);
        const T* soon = x;  // what comes next
        if (block + 1 < left.blocks()) {
            soon = packed_x + right.at(block + 1, panel);
        } else if (panel + 1 < right.count) {
            soon = packed_x + right.at(0, panel + 1);
        }
        const Stage stage{block % kernels.calls == 0,
                          block % kernels.calls == kernels.calls - 1 || block + 1 == left.blocks(),
                          block < kernels.calls};
        const std::int64_t terms = left.length(block);
        const std::int64_t part = 2 * right.width / kernels.ahead * terms;
        for (std::int64_t q = 0; q < left.count; ++q) {
            kernels.multiply(terms, packed_a + left.at(block, q), x, stage, blocks + q * 2 * tile, sums + q * 2 * tile,
                             q < kernels.ahead ? soon + q * part : x);
        }
    }
}

// n == 1: every number of `a` is used once, so it isn't packed.
template <class T>
void Product<T>::run_vector() const {
    const ProductBound<T> bound(k, dot_roundings(kernels, k), rho);
    thread_local Workspace workspace;
    const Workspace::Use<T> x(workspace, 2 * k);
    T* const mid = x.get();
    T* const rad = mid + k;
    kernels.inflate(k, lo, hi, bound.inflation(), mid, rad);
    parallel_for(m, vector_task_rows, [&](std::int64_t first, std::int64_t last) {
        double M[vector_task_rows];
        double R[vector_task_rows];
        for (std::int64_t i = first; i < last; i += kernels.dot_rows) {
            kernels.dot(std::min(kernels.dot_rows, last - i), k, a + i * k, k, mid, rad, M + (i - first),
                        R + (i - first));
        }
        kernels.finish(last - first, M, R, bound.sum_factor(), bound.sum_underflow(), c_lo + first, c_hi + first);
    });
}

template <class T>
void multiply(const ProductKernels<T>& kernels, const T* a, const T* lo, const T* hi, std::int64_t m, std::int64_t k,
              std::int64_t n, T* c_lo, T* c_hi, double rho) {
    if (m < 0 || k < 0 || n < 0) {
        throw std::invalid_argument("matmul: sizes must not be negative");
    }
    if (!(rho >= 0.0 && rho <= 1.0)) {
        throw std::invalid_argument("matmul: the relative uncertainty of the weights must be from 0 to 1");
    }
    if (k == 0) {
        std::fill(c_lo, c_lo + m * n, T(0));
        std::fill(c_hi, c_hi + m * n, T(0));
    } else if (m > 0 && n > 0) {
        const Product<T> product{kernels, a, lo, hi, m, k, n, c_lo, c_hi, rho};
        n == 1 ? product.run_vector() : product.run();
    }
}

}  // namespace

void matmul(const float* a, const float* lo, const float* hi, std::int64_t m, std::int64_t k, std::int64_t n,
            float* c_lo, float* c_hi, double rho) {
    multiply(GONOGO_TABLE(affine).f32, a, lo, hi, m, k, n, c_lo, c_hi, rho);
}

void matmul(const double* a, const double* lo, const double* hi, std::int64_t m, std::int64_t k, std::int64_t n,
            double* c_lo, double* c_hi, double rho) {
    multiply(GONOGO_TABLE(affine).f64, a, lo, hi, m, k, n, c_lo, c_hi, rho);
}

}  // namespace gonogo::numeric
