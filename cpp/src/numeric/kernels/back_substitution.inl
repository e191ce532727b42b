// Theorem 39 (sums in any order). u = 2^-53, s = 2^-1074. Let K < 2^40 products x_k y_k of floats, and perhaps one more
// float c (else c = 0), be summed up along any binary tree, each product formed by a multiplication or within an fma,
// and let the result z be finite. Let p = K + 1 if there is such a c, else p = K. Then
// (a) |z - (c + sum x_k y_k)| <= p u (1 + 2^-10)(|c| + sum |x_k y_k|) + K s;
// (b) if all x_k y_k >= 0 and c = 0, then sum x_k y_k <= (z + K s)(1 + K u (1 + 2^-10)).
// Exact zeros among the leaves, such as those that sums start from, don't count.
//
// An element of `multiply` has K = k, c being what it is added to; both sums of `select_dot` have K = n, an element of
// `select_scale` K = 1. Proof: docs/soundness.md, Back substitution kernels. Assumed: round to nearest, subnormals kept
// (the guard).
//
// So sums may be cut up as the machine likes. What must hold: every product is added once, none is left out because a
// factor is zero (the other one may be NaN), and what fills up a panel meets only sums that aren't written.
#include "gonogo/numeric/strict.hpp"

#include "numeric/kernels/back_substitution.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

#if GONOGO_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int most_sums = 24;  // of 32 registers
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 16
constexpr int most_sums = 9;  // of 16: products take registers too
#else
constexpr int most_sums = 12;  // of 16
#endif
constexpr int busy_sums = 8;  // that many independent chains keep two multipliers of latency 4 busy
constexpr int panel_vectors = 3;
constexpr int panel_columns = panel_vectors * f64_lanes;
// A panel's block stays in a first-level cache of 32 KiB, beside the rows of a tile; a block of rows of `a` in the
// second level.
constexpr std::int64_t panel_bytes = 24 * 1024;
constexpr std::int64_t most_depth = 256;
constexpr std::int64_t depth =
    panel_bytes / (panel_columns * 8) < most_depth ? panel_bytes / (panel_columns * 8) : most_depth;
constexpr std::int64_t block_rows = 128;

// Of a tile that is so many vectors wide.
constexpr int rows_of(int vectors) {
    const int rows = most_sums / vectors;
    return rows < 8 ? rows : 8;
}

// Where a tile reads and writes: a row of c has `width` columns of the tile, of which the packed factor may have more.
struct Place {
    std::int64_t terms;
    const double* a;
    std::int64_t a_step;
    const double* b;
    double* c;
    std::int64_t c_step;
    std::int64_t width;
    bool add;
};

template <std::size_t Rows, std::size_t Vectors>
GONOGO_INLINE void add_products(const double* a, std::int64_t a_step, const double* b, F64 (&sums)[Rows][Vectors]) {
    constexpr int rows = Rows, vectors = Vectors;
    F64 right[Vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) {
        right[j] = load<F64>(b + j * f64_lanes);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
        const F64 left = splat<F64>(a[i * a_step]);
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) {
            sums[i][j] = mul_add(left, right[j], sums[i][j]);
        }
    }
}

template <int lanes>
using Vector [[gnu::vector_size(lanes * 8)]] = double;

// The first `count` < lanes numbers of v, by halves.
template <int lanes>
GONOGO_INLINE void write_part(Vector<lanes> v, double* c, std::int64_t count, bool add) {
    constexpr int half = lanes / 2;
    if constexpr (half == 1) {
        if (count > 0) {
            c[0] = add ? c[0] + v[0] : v[0];
        }
    } else {
        Vector<half> parts[2];
        __builtin_memcpy(parts, &v, sizeof v);
        if (count >= half) {
            store(c, add ? load<Vector<half>>(c) + parts[0] : parts[0]);
            write_part<half>(parts[1], c + half, count - half, add);
        } else {
            write_part<half>(parts[0], c, count, add);
        }
    }
}

// Rows of a tile that sticks out of c, by its last vector; in a loop of its own, for this code is long.
template <std::size_t Rows, std::size_t Vectors>
[[gnu::noinline]] void write_narrow(const F64 (&sums)[Rows][Vectors], double* c, std::int64_t c_step,
                                    std::int64_t width, bool add) {
    constexpr std::int64_t last = (Vectors - 1) * f64_lanes;
    for (const F64(&row)[Vectors] : sums) {
        for (std::int64_t j = 0; j < last; j += f64_lanes) {
            const F64 v = row[j / f64_lanes];
            store(c + j, add ? load<F64>(c + j) + v : v);
        }
        write_part<f64_lanes>(row[Vectors - 1], c + last, width - last, add);
        c += c_step;
    }
}

constexpr int unrolled = 4;  // a loop's own instructions would take slots that the products need

// Tiles of few sums form each in several chains, for an addition waits for the one before.
template <std::size_t Rows, std::size_t Vectors>
void tile(const Place& place) {
    constexpr int rows = Rows, vectors = Vectors;
    constexpr int chains = rows * vectors >= busy_sums ? 1 : 2 * rows * vectors >= busy_sums ? 2 : 4;
    const auto [terms, a, a_step, b, c, c_step, width, add] = place;
    constexpr int step = vectors * f64_lanes;
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
        __builtin_prefetch(c + i * c_step, 1);
        __builtin_prefetch(c + i * c_step + width - 1, 1);
    }
    F64 sums[std::size_t{chains}][Rows][Vectors] = {};
    std::int64_t k = 0;
    for (; k + unrolled <= terms; k += unrolled) {
#pragma GCC unroll 4
        for (int s = 0; s < unrolled; ++s) {
            add_products(a + k + s, a_step, b + (k + s) * step, sums[s % chains]);
        }
    }
    for (; k < terms; ++k) {
        add_products(a + k, a_step, b + k * step, sums[0]);
    }
    F64 finished[Rows][Vectors];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) {
            finished[i][j] = sums[0][i][j];
#pragma GCC unroll 4
            for (int s = 1; s < chains; ++s) {
                finished[i][j] += sums[s][i][j];
            }
        }
    }
    if (width < step) {
        F64 part[Rows][Vectors];
        __builtin_memcpy(part, finished, sizeof part);
        return write_narrow(part, c, c_step, width, add);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) {
            double* const at = c + i * c_step + j * f64_lanes;
            store(at, add ? load<F64>(at) + finished[i][j] : finished[i][j]);
        }
    }
}

// `count` < rows_of(vectors) rows
template <int vectors, int rows>
void few_rows(std::int64_t count, const Place& place) {
    if (count == rows) {
        tile<rows, vectors>(place);
    } else if constexpr (rows > 1) {
        few_rows<vectors, rows - 1>(count, place);
    }
}

// One panel and `count` rows
template <int vectors>
void panel(std::int64_t count, Place place) {
    constexpr int rows = rows_of(vectors);
    for (; count >= rows; count -= rows) {
        tile<rows, vectors>(place);
        place.a += rows * place.a_step;
        place.c += rows * place.c_step;
    }
    if (count > 0) {
        few_rows<vectors, rows - 1>(count, place);
    }
}

// All panels of one block and `count` rows; place.width: of all
GONOGO_INLINE void all_panels(std::int64_t count, Place place) {
    std::int64_t left = place.width;
    place.width = panel_columns;
    for (; left >= panel_columns; left -= panel_columns) {
        panel<panel_vectors>(count, place);
        place.b += place.terms * panel_columns;
        place.c += panel_columns;
    }
    place.width = left;
    static_assert(panel_vectors == 3);
    if (left > 2 * f64_lanes) {
        panel<3>(count, place);
    } else if (left > f64_lanes) {
        panel<2>(count, place);
    } else if (left > 0) {
        panel<1>(count, place);
    }
}

void multiply(std::int64_t m, std::int64_t k, std::int64_t n, const double* a, std::int64_t a_step,
              const double* packed, double* c, std::int64_t c_step, bool accumulate) {
    const std::int64_t padded = (n + f64_lanes - 1) / f64_lanes * f64_lanes;
    const std::int64_t blocks = (k + depth - 1) / depth;
    const std::int64_t length = (k + blocks - 1) / blocks;
    // A factor that fits in the first-level cache is passed by each few rows, so that these are read from there too.
    constexpr std::int64_t tall = block_rows / rows_of(panel_vectors) * rows_of(panel_vectors);
    const std::int64_t step = k * padded * 8 <= panel_bytes ? 2 * rows_of(panel_vectors) : tall;
    for (std::int64_t i = 0; i < m; i += step) {
        const std::int64_t count = m - i < step ? m - i : step;
        for (std::int64_t t = 0; t < k; t += length) {
            const std::int64_t terms = k - t < length ? k - t : length;
            all_panels(count, {terms, a + i * a_step + t, a_step, packed + t * padded, c + i * c_step, c_step, n,
                               accumulate || t > 0});
        }
    }
}

// ---- rows through element-wise relations

template <class V>
struct Sums {
    V value = {};
    V mass = {};
};

template <class V>
GONOGO_INLINE V chosen(V a, const double* below, const double* above) {
    return select(a >= V{}, load<V>(below), load<V>(above));
}

template <class V>
GONOGO_INLINE void add_terms(const double* a, const double* below, const double* above, const double* weight,
                             Sums<V>& sums) {
    const V x = load<V>(a);
    sums.value = mul_add(x, chosen(x, below, above), sums.value);
    sums.mass = mul_add(abs(x), load<V>(weight), sums.mass);
}

GONOGO_INLINE void select_dot(std::int64_t n, const double* a, const double* below, const double* above, const double* weight,
                double* result) {
    constexpr int chains = 4;
    constexpr std::int64_t step = chains * f64_lanes;
    Sums<F64> sums[chains];
    std::int64_t i = 0;
    for (; i + step <= n; i += step) {
#pragma GCC unroll 4
        for (int s = 0; s < chains; ++s) {
            const std::int64_t at = i + s * f64_lanes;
            add_terms(a + at, below + at, above + at, weight + at, sums[s]);
        }
    }
    for (; i + f64_lanes <= n; i += f64_lanes) {
        add_terms(a + i, below + i, above + i, weight + i, sums[0]);
    }
    Sums<double> total;
    for (; i < n; ++i) {
        add_terms(a + i, below + i, above + i, weight + i, total);
    }
    const F64 values = (sums[0].value + sums[1].value) + (sums[2].value + sums[3].value);
    const F64 masses = (sums[0].mass + sums[1].mass) + (sums[2].mass + sums[3].mass);
#pragma GCC unroll 8
    for (int lane = 0; lane < f64_lanes; ++lane) {
        total.value += values[lane];
        total.mass += masses[lane];
    }
    result[0] = total.value;
    result[1] = total.mass;
}

void select_dots(std::int64_t rows, std::int64_t n, const double* a, std::int64_t a_step, const double* below,
                 const double* above, const double* weight, double* sums) {
    for (std::int64_t r = 0; r < rows; ++r) select_dot(n, a + r * a_step, below, above, weight, sums + 2 * r);
}

template <class V, bool accumulate>
GONOGO_INLINE void scale_at(const double* a, const double* below, const double* above, double* out) {
    const V x = load<V>(a);
    const V slope = chosen(x, below, above);
    if constexpr (accumulate) {
        store(out, mul_add(x, slope, load<V>(out)));
    } else {
        store(out, x * slope);
    }
}

template <bool accumulate>
void scale(std::int64_t n, const double* a, const double* below, const double* above, double* out) {
    std::int64_t i = 0;
    for (; i + f64_lanes <= n; i += f64_lanes) {
        scale_at<F64, accumulate>(a + i, below + i, above + i, out + i);
    }
    for (; i < n; ++i) {
        scale_at<double, accumulate>(a + i, below + i, above + i, out + i);
    }
}

void select_scale(std::int64_t n, const double* a, const double* below, const double* above, double* out,
                  bool accumulate) {
    accumulate ? scale<true>(n, a, below, above, out) : scale<false>(n, a, below, above, out);
}

}  // namespace

constexpr BackSubstitutionKernels back_substitution_kernels{
    .lanes = f64_lanes,
    .columns = panel_columns,
    .depth = depth,
    .multiply = multiply,
    .select_dots = select_dots,
    .select_scale = select_scale,
};

}  // namespace gonogo::numeric::GONOGO_TARGET
