// erf. u = 2^-53. The error bounds are derived by tests/numeric/error_function_bounds.py and held against the numbers
// here by tests/numeric/test_error_function.py; proofs in docs/soundness.md.
//
// Theorem 20. `Erf::end` bounds erf x. Before the last sum is rounded it is moved outward, by table_outward times its
// first part or central_outward |x|, which covers all errors and that rounding, with and without fused multiply-add.
// erf is odd and increases towards 1; beyond 6 the value at 6 serves: 1 - erf 6 < u/2.
#include "numeric/kernels/elementary.hpp"
#include "numeric/kernels/elementary_common.inl"
#include "numeric/kernels/error_function_table.hpp"
#include "numeric/kernels/signed_steps.inl"

namespace gonogo::numeric::GONOGO_TARGET {

namespace {

constexpr double central_range = 0.25;
constexpr double last = 6.0;
constexpr double central_outward = 0x1.bp-53;  // 1.6875 u
constexpr double table_outward = 0x1.1p-52;    // 2.125 u

// erf(x) / x - 1 as a polynomial in x^2: scripts/elementary/error_function.sollya
constexpr double central_coefficients[] = {0x1.06eba8214db68p-3,  -0x1.812746b0378e5p-2, 0x1.ce2f21a00b072p-4,
                                           -0x1.b82ce2c48d0c7p-6, 0x1.565b978c816b9p-8,  -0x1.c00772c9761c7p-11,
                                           0x1.ebefa138651cdp-14};

// table[index]
GONOGO_INLINE double gather(const double* table, std::int64_t index) {
    return table[index];
}
GONOGO_INLINE F64 gather(const double* table, I64 index) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    return _mm512_mask_i64gather_pd(F64{}, 0xFF, (__m512i)index, table, 8);  // without a mask GCC 12 warns
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
    return _mm256_i64gather_pd(table, (__m256i)index, 8);
#else
    return F64{table[index[0]], table[index[1]]};
#endif
}

// With r = j/64 nearest to a and d = a - r: erf(r + d) = erf(r) + erf'(r) (d + c_2 d^2 + ...), where k! c_k =
// (-1)^(k-1) H_(k-1)(r), H the Hermite polynomials, up to c_7.
template <class V>
GONOGO_INLINE V erf_by_table(V a, V outward_factor) {
    constexpr double shifter = 0x1.8p46;  // ulp 1/64
    const V shifted = a + shifter;
    const V r = shifted - shifter;
    const V d = a - r;
    const Bits<V> row = (bits(shifted) & 0xFFF) * 2 - 2 * error_function_table_start;
    const V value = gather(error_function_table, row);
    const V slope = gather(error_function_table + 1, row);
    const V w = r * r;
    const V d2 = d * d;
    const V c3 = mul_add(w, splat<V>(2.0 / 3.0), splat<V>(-1.0 / 3.0));
    const V c4 = mul_add(w, splat<V>(-1.0 / 3.0), splat<V>(0.5));  // times r, as c6
    const V c5 = polynomial(w, {1.0 / 10.0, -2.0 / 5.0, 2.0 / 15.0});
    const V c6 = polynomial(w, {-1.0 / 6.0, 2.0 / 9.0, -2.0 / 45.0});
    const V c7 = polynomial(w, {-1.0 / 42.0, 1.0 / 7.0, -2.0 / 21.0, 4.0 / 315.0});
    const V odd = d * mul_add(d2, mul_add(d2, c7, c5), c3);
    const V even = mul_add(d2, mul_add(d2, c6, c4), splat<V>(-1.0));
    const V first = slope * d;
    return value + mul_add(value, outward_factor, mul_add(first, d * mul_add(r, even, odd), first));
}

template <class V>
GONOGO_INLINE V erf_central(V a, V outward_factor) {
    return mul_add(a, polynomial(a * a, central_coefficients) + outward_factor, a);
}

struct Erf {
    static constexpr double least = -infinity, most = infinity;

    template <int D, class V>
    GONOGO_INLINE static V end(V x) {
        const V size = abs(x);
        const V a = min(size, splat<V>(last));
        // outward for |x|: upward where x has the sign of D
        const Bits<V> sign = bits(x) & INT64_MIN;
        const auto directed = [sign](double bound) { return from_bits(bits(splat<V>(D * outward(bound))) ^ sign); };
        const V outer = erf_by_table(max(a, splat<V>(central_range)), directed(table_outward));
        const V inner = erf_central(a, directed(central_outward));
        V y = from_bits(bits(select(size < central_range, inner, outer)) ^ sign);
        const auto tiny = (size < 0x1p-1000) & (size > 0.0);  // the grid counts
        if (any(tiny)) [[unlikely]] {
            y = step_floats<D>(y, negation(tiny));
        }
        return D > 0 ? min(y, splat<V>(1.0)) : max(y, splat<V>(-1.0));
    }
    template <int D, class V>
    GONOGO_INLINE static V far_end(V x) {  // only for what is no interval
        return end<D>(x);
    }
};

constexpr NamedConstant error_function_constants[] = {
    {"central_outward", central_outward}, {"table_outward", table_outward}, {nullptr, 0.0}};

template <class V>
constexpr ErrorFunctionKernels error_function_kernels = {map<increasing<Erf>, V>, error_function_constants};

}  // namespace

}  // namespace gonogo::numeric::GONOGO_TARGET
