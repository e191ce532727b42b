// From ends of intervals to midpoints and radii, and back (Theorems 26 and 27).
namespace gonogo::numeric::GONOGO_TARGET {

template <class T>
GONOGO_INLINE void inflate_vector(const T* lo_at, const T* hi_at, Inflation<T> inflation, T* mid, T* rad) {
    using V = typename Lanes<T>::V;
    const V lo = load<V>(lo_at);
    const V hi = load<V>(hi_at);
    const V half = splat<V>(T(0.5));
    const V m = half * lo + half * hi;
    const V above = hi - m;
    const V below = m - lo;
    const V r = above > below ? above : below;
    store(mid, lo <= hi ? m : splat<V>(Lanes<T>::nan));
    if constexpr (!rigorous) {
        return store(rad, r);
    }
    const V size = abs(m);
    const V inflated = (r * inflation.radius_factor + size * inflation.midpoint_factor) + 2 * Lanes<T>::smallest;
    store(rad, size + r > T(0) ? inflated : V{});
}

template <class T>
void inflate(std::int64_t count, const T* lo, const T* hi, Inflation<T> inflation, T* mid, T* rad) {
    constexpr int lanes = Lanes<T>::count;
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        inflate_vector(lo + i, hi + i, inflation, mid + i, rad + i);
    }
    if (i < count) {
        typename Lanes<T>::Buffer part[4] = {};
        for (std::int64_t j = i; j < count; ++j) {
            part[0][j - i] = lo[j];
            part[1][j - i] = hi[j];
        }
        inflate_vector(part[0], part[1], inflation, part[2], part[3]);
        for (std::int64_t j = i; j < count; ++j) {
            mid[j] = part[2][j - i];
            rad[j] = part[3][j - i];
        }
    }
}

// The float below (direction -1) or above (1); zeros and infinities stay: a zero sum or difference is exact.
GONOGO_INLINE F64 step(F64 v, std::int64_t direction) {
    const I64 zero{};
    const I64 away = v > 0.0 ? zero + direction : zero - direction;
    return (v == 0.0) | (v - v != 0.0) ? v : from_bits(bits(v) + away);
}

// To binary64 or binary32, rounded down (direction -1) or up.
GONOGO_INLINE void put(F64 v, std::int64_t, double* out) {
    store(out, v);
}
GONOGO_INLINE void put(F64 v, std::int64_t direction, float* out) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    if constexpr (rigorous) {  // unmasked, g++ 12 warns inside its own header
        constexpr int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
        constexpr int up = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
        return _mm256_storeu_ps(
            out, direction < 0 ? _mm512_maskz_cvt_roundpd_ps(0xFF, v, down) : _mm512_maskz_cvt_roundpd_ps(0xFF, v, up));
    }
#endif
    using HalfI32 [[gnu::vector_size(GONOGO_VECTOR_BYTES / 2)]] = std::int32_t;
    const HalfF32 nearest = __builtin_convertvector(v, HalfF32);
    if constexpr (!rigorous) {
        return store(out, nearest);
    }
    const F64 back = __builtin_convertvector(nearest, F64);
    const HalfI32 wrong = __builtin_convertvector(direction < 0 ? back > v : back < v, HalfI32);
    const HalfI32 pattern = (HalfI32)nearest;
    const HalfI32 up = (pattern >> 31) | 1;  // adding it moves away from zero's side: +1 for +x, -1 for -x
    store(out, pattern + (wrong & (direction < 0 ? -up : up)));
}

template <class T>
GONOGO_INLINE void finish_vector(F64 M, F64 R, double sum_factor, double sum_underflow, T* lo, T* hi) {
    const I64 good = (M - M == 0.0) & (R - R == 0.0);
    F64 radius = R;
    if constexpr (rigorous) {
        radius = R * sum_factor + sum_underflow;
    }
    F64 least = M - radius;
    F64 most = M + radius;
    if constexpr (rigorous && sizeof(T) == sizeof(double)) {
        least = step(least, -1);
        most = step(most, 1);
    } else if constexpr (rigorous) {  // far below what the rounding to binary32 takes
        const F64 last_rounding = abs(M) * 0x1p-52;
        least = M - (radius + last_rounding);
        most = M + (radius + last_rounding);
    }
    const F64 unbounded = splat<F64>(__builtin_inf());
    put(good ? least : -unbounded, -1, lo);
    put(good ? most : unbounded, 1, hi);
}

template <class T>
void finish(std::int64_t count, const double* M, const double* R, double sum_factor, double sum_underflow, T* lo,
            T* hi) {
    std::int64_t i = 0;
    for (; i + f64_lanes <= count; i += f64_lanes) {
        finish_vector(load<F64>(M + i), load<F64>(R + i), sum_factor, sum_underflow, lo + i, hi + i);
    }
    if (i < count) {
        T part[2][f64_lanes];
        finish_vector(load_part<F64>(M + i, count - i), load_part<F64>(R + i, count - i), sum_factor, sum_underflow,
                      part[0], part[1]);
        for (std::int64_t j = i; j < count; ++j) {
            lo[j] = part[0][j - i];
            hi[j] = part[1][j - i];
        }
    }
}

}  // namespace gonogo::numeric::GONOGO_TARGET
