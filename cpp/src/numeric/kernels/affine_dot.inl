// Rows of a matrix times one vector: each weight is read once, for both sums.
namespace gonogo::numeric::GONOGO_TARGET {

constexpr int dot_rows = 4;
constexpr int dot_chain = 24;  // vectors of products before binary64

// sums[0..f64_lanes) += all lanes of v
GONOGO_INLINE void flush(F64 v, F64& sums) {
    sums += v;
}
GONOGO_INLINE void flush(F32 v, F64& sums) {
    float lanes[f32_lanes];
    store(lanes, v);
    sums += widen(lanes) + widen(lanes + f64_lanes);
}

GONOGO_INLINE double total(F64 v) {
    double sum = 0.0;
    for (int lane = 0; lane < f64_lanes; ++lane) {
        sum += v[lane];
    }
    return sum;
}

template <class T, std::size_t count>
void dot_of(std::int64_t terms, const T* w, std::int64_t stride, const T* mid, const T* rad, double* M, double* R) {
    using V = typename Lanes<T>::V;
    constexpr int lanes = Lanes<T>::count;
    constexpr auto rows = static_cast<std::int64_t>(count);
    F64 mid_sums[count] = {};
    F64 rad_sums[count] = {};
    std::int64_t k = 0;
    while (k < terms) {
        V m[count] = {};
        V r[count] = {};
        const std::int64_t whole = (terms - k) / lanes;
        const std::int64_t end = k + (whole < dot_chain ? whole : dot_chain) * lanes;
        for (; k < end; k += lanes) {
            const V x = load<V>(mid + k);
            const V dx = load<V>(rad + k);
#pragma GCC unroll 8
            for (std::int64_t i = 0; i < rows; ++i) {
                const V v = load<V>(w + i * stride + k);
                m[i] = mul_add(v, x, m[i]);
                r[i] = mul_add(abs(v), dx, r[i]);
            }
        }
        if (whole < dot_chain && k < terms) {
            const std::int64_t rest = terms - k;
            const V x = load_part<V>(mid + k, rest);
            const V dx = load_part<V>(rad + k, rest);
#pragma GCC unroll 8
            for (std::int64_t i = 0; i < rows; ++i) {
                const V v = load_part<V>(w + i * stride + k, rest);
                m[i] = mul_add(v, x, m[i]);
                r[i] = mul_add(abs(v), dx, r[i]);
            }
            k = terms;
        }
#pragma GCC unroll 8
        for (std::int64_t i = 0; i < rows; ++i) {
            flush(m[i], mid_sums[i]);
            flush(r[i], rad_sums[i]);
        }
    }
    for (std::int64_t i = 0; i < rows; ++i) {
        M[i] = total(mid_sums[i]);
        R[i] = total(rad_sums[i]);
    }
}

template <class T>
void dot(std::int64_t count, std::int64_t terms, const T* w, std::int64_t stride, const T* mid, const T* rad, double* M,
         double* R) {
    if (count == dot_rows) {
        return dot_of<T, dot_rows>(terms, w, stride, mid, rad, M, R);
    }
    for (std::int64_t i = 0; i < count; ++i) {
        dot_of<T, 1>(terms, w + i * stride, stride, mid, rad, M + i, R + i);
    }
}

}  // namespace gonogo::numeric::GONOGO_TARGET
