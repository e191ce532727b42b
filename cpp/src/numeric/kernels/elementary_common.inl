// The frame of the elementary functions: loops over arrays, outward steps, exact sums. Included after simd.hpp. A
// function is a struct F with V = F64 or double in
//     static constexpr double least, most;                      // the range of arguments where `ends` may be used
//     template <class V> static Ends<V> ends(V lo, V hi);       // least <= lo <= hi <= most in all lanes
//     template <class V> static Ends<V> far_ends(V lo, V hi);   // any; what lanes with lo <= hi give counts
//     template <class V> static bool regular(V lo, V hi);       // optional: one more condition for `ends`
// Where both apply they give the same bits, so that a result depends on its own argument only. A function that
// increases writes, for one end, D = -1: a lower bound on f(x), D = +1: an upper bound,
//     template <int D, class V> static V end(V x);  template <int D, class V> static V far_end(V x);
// and is passed on as increasing<F>.

namespace gonogo::numeric::GONOGO_TARGET {

template <class V>
struct Ends {
    V lo, hi;
};

template <class V>
using Bits = decltype(bits(V{}));

// Logic on what comparisons give.
GONOGO_INLINE bool negation(bool mask) {
    return !mask;
}
GONOGO_INLINE I64 negation(I64 mask) {
    return ~mask;
}

// In the negative control an error bound counts as nothing.
constexpr double outward(double bound) {
    return rigorous ? bound : 0.0;
}

// The pattern plus d modulo 2^64: it may wrap around in lanes whose result isn't used.
GONOGO_INLINE double moved(double y, std::int64_t d) {
    return from_bits(static_cast<std::int64_t>(static_cast<std::uint64_t>(bits(y)) + static_cast<std::uint64_t>(d)));
}
GONOGO_INLINE F64 moved(F64 y, I64 d) {
    using Unsigned [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::uint64_t;
    return from_bits((I64)((Unsigned)bits(y) + (Unsigned)d));
}

// One float further in direction D. RN(z) differs from z by at most the distance to the neighbour on either side of z,
// so z lies between the neighbours of RN(z). The number isn't zero; for one that is positive, or +inf and D = -1, the
// second does.
template <int D, class V>
GONOGO_INLINE V step(V y) {
    if constexpr (!rigorous) {
        return y;
    }
    using B = Bits<V>;
    return moved(y, select(y < splat<V>(0.0), splat<B>(std::int64_t{-D}), splat<B>(std::int64_t{D})));
}
template <int D, class V>
GONOGO_INLINE V step_positive(V y) {
    if constexpr (!rigorous) {
        return y;
    }
    return moved(y, splat<Bits<V>>(std::int64_t{D}));
}

// Fast2Sum: for |a| >= |b| or a = 0, and no overflow, value + error = a + b exactly.
template <class V>
struct Sum {
    V value, error;
};
template <class V>
GONOGO_INLINE Sum<V> fast_two_sum(V a, V b) {
    const V s = a + b;
    return {s, b - (s - a)};
}

// Horner: c[0] + x (c[1] + x (... c[N-1]))
template <class V, unsigned long N>
GONOGO_INLINE V polynomial(V x, const double (&c)[N]) {
    V q = splat<V>(c[N - 1]);
#pragma GCC unroll 32
    for (int i = static_cast<int>(N) - 2; i >= 0; --i) {
        q = mul_add(q, x, splat<V>(c[i]));
    }
    return q;
}

template <class F>
struct increasing {
    static constexpr double least = F::least, most = F::most;
    template <class V>
    GONOGO_INLINE static bool regular(V lo, V hi) {
        if constexpr (requires { F::regular(lo, hi); }) {
            return F::regular(lo, hi);
        } else {
            return true;
        }
    }
    template <class V>
    GONOGO_INLINE static Ends<V> ends(V lo, V hi) {
        return {F::template end<-1>(lo), F::template end<+1>(hi)};
    }
    template <class V>
    GONOGO_INLINE static Ends<V> far_ends(V lo, V hi) {
        return {F::template far_end<-1>(lo), F::template far_end<+1>(hi)};
    }
};

// least <= lo <= hi <= most in every lane; false for NaN.
template <class V>
GONOGO_INLINE bool all_within(V lo, V hi, double least, double most) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    if constexpr (sizeof(V) == 64) {
        __mmask8 m = _mm512_cmp_pd_mask(splat<V>(least), lo, _CMP_LE_OQ);
        m = _mm512_mask_cmp_pd_mask(m, lo, hi, _CMP_LE_OQ);
        return _mm512_mask_cmp_pd_mask(m, hi, splat<V>(most), _CMP_LE_OQ) == 0xFF;
    }
#endif
    return !any(negation((splat<V>(least) <= lo) & (lo <= hi) & (hi <= splat<V>(most))));
}

// Whether all |a| and |b| are zero or at least `least`, a positive number.
template <class V>
GONOGO_INLINE bool zero_or_above(V a, V b, double least) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    if constexpr (sizeof(V) == 64) {
        const __m512i limit = (__m512i)bits(splat<V>(least));  // zero minus one wraps to the greatest
        const __mmask8 m = _mm512_cmplt_epu64_mask((__m512i)(bits(abs(a)) - 1), limit);
        return (m | _mm512_cmplt_epu64_mask((__m512i)(bits(abs(b)) - 1), limit)) == 0;
    }
#endif
    const V zero = splat<V>(0.0), limit = splat<V>(least);
    return !any(((abs(a) < limit) & (a != zero)) | ((abs(b) < limit) & (b != zero)));
}

// Empty stays empty; what is no interval becomes entire.
template <class F, class V>
[[gnu::noinline]] Ends<V> enclose_far(V lo, V hi) {
    Ends<V> y = F::far_ends(lo, hi);
    const V inf = splat<V>(infinity);
    const auto valid = lo <= hi;
    const auto empty = (lo == inf) & (hi == -inf);
    return {select(valid, y.lo, select(empty, inf, -inf)), select(valid, y.hi, select(empty, -inf, inf))};
}

template <class F, class V>
GONOGO_INLINE Ends<V> enclose(V lo, V hi) {
    bool near = all_within(lo, hi, F::least, F::most);
    if constexpr (requires { F::regular(lo, hi); }) {
        near = near && F::regular(lo, hi);
    }
    return near ? F::ends(lo, hi) : enclose_far<F>(lo, hi);
}

// The kernel. The last lanes go through a padded block: one code path for every element.
template <class F, class V>
void map(const double* lo, const double* hi, double* out_lo, double* out_hi, std::int64_t count) {
    constexpr std::int64_t lanes = sizeof(V) / sizeof(double);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Ends<V> y = enclose<F>(load<V>(lo + i), load<V>(hi + i));
        store(out_lo + i, y.lo);
        store(out_hi + i, y.hi);
    }
    if (i < count) {
        double block[2][sizeof(V) / sizeof(double)] = {};
        for (std::int64_t k = i; k < count; ++k) {
            block[0][k - i] = lo[k];
            block[1][k - i] = hi[k];
        }
        const Ends<V> y = enclose<F>(load<V>(block[0]), load<V>(block[1]));
        store(block[0], y.lo);
        store(block[1], y.hi);
        for (std::int64_t k = i; k < count; ++k) {
            out_lo[k] = block[0][k - i];
            out_hi[k] = block[1][k - i];
        }
    }
}

}  // namespace gonogo::numeric::GONOGO_TARGET
