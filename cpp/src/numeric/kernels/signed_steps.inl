// Outward steps for results of either sign, and the leading half of a significand.
namespace gonogo::numeric::GONOGO_TARGET {

using U64 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::uint64_t;

// The bits of v shifted, zeros following.
GONOGO_INLINE I64 shift_right(I64 v, int count) {
    return (I64)((U64)v >> count);
}
GONOGO_INLINE std::int64_t shift_right(std::int64_t v, int count) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) >> count);
}

// a + b modulo 2^64: bit patterns may wrap around in lanes whose result isn't used.
GONOGO_INLINE I64 wrapping_sum(I64 a, I64 b) {
    return (I64)((U64)a + (U64)b);
}
GONOGO_INLINE std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// The 26 leading bits of v: their square is exact, and v - leading(v) has at most 27 bits.
template <class V>
GONOGO_INLINE V leading(V v) {
    return from_bits(bits(v) & ~((std::int64_t{1} << 27) - 1));
}

// Lemma (one step). Let y = RN(s) != 0, s the sum of two floats, |s - v| <= b |v| and b <= 0.499 u. Then v lies between
// the two neighbours of y.
constexpr bool one_step_covers(double b) {
    return b <= 0.499 * 0x1p-53;
}

// The neighbour of y above (D = 1) or below (D = -1). Lanes in `exact` stay.
template <int D, class V, class Mask>
GONOGO_INLINE V step_floats(V y, Mask exact) {
    if constexpr (!rigorous) {
        return y;
    }
    const Bits<V> b = bits(y);
    const Bits<V> away = splat<Bits<V>>(std::int64_t{D}), towards = splat<Bits<V>>(std::int64_t{-D});
    return select(exact, y, from_bits(wrapping_sum(b, select(b < 0, towards, away))));
}

}  // namespace gonogo::numeric::GONOGO_TARGET
