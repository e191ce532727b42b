#include "trigonometric_reduction.hpp"

#include <bit>

namespace gonogo::numeric {

namespace {

__extension__ using Wide = unsigned __int128;
using Word = std::uint64_t;

// 2/pi = 0.w0 w1 w2 ... in base 2^64, cut after 1280 bits, and floor(pi/2 * 2^127); tests compare them with arb.
constexpr Word two_over_pi[20] = {0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561,
                                  0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484,
                                  0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F,
                                  0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B,
                                  0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB, 0xF0CFBC209AF4361D};
constexpr Word half_pi[2] = {0xC90FDAA22168C234, 0xC4C6628B80DC1CD1};

// The 64 bits of 2/pi from the bit of weight 2^-first on, first >= 1.
Word bits_from(int first) {
    const int word = (first - 1) / 64, shift = (first - 1) % 64;
    return shift == 0 ? two_over_pi[word] : two_over_pi[word] << shift | two_over_pi[word + 1] >> (64 - shift);
}

double power_of_two(int n) {  // -1022 <= n <= 1023
    return std::bit_cast<double>(static_cast<Word>(n + 1023) << 52);
}

}  // namespace

// |x| = m 2^e with an integer m < 2^53. Bits of 2/pi of weight 2^(2 - e) and more contribute multiples of 4 to |x|
// 2/pi, so 256 bits from there on give it mod 4 with an error below 2^53 2^-254: they and m are multiplied exactly.
ExactQuarters reduce_quarters_exactly(double x) {
    const auto pattern = std::bit_cast<Word>(x);
    const int biased = static_cast<int>(pattern >> 52 & 0x7FF);
    if (biased == 0x7FF || biased < 1023 - 30) {  // not finite; or below 2^-30: the caller has n = 0 there
        return {0.0, 0.0, 0, false};
    }
    const Word m = (pattern & 0xFFFFFFFFFFFFF) | 0x10000000000000;
    const int e = biased - 1075;
    const int first = e > 2 ? e - 1 : 1;

    // product = m * (256 bits of 2/pi), least significant word first
    Word product[5] = {};
    Wide carry = 0;
    for (int i = 0; i < 4; ++i) {
        carry += static_cast<Wide>(m) * bits_from(first + 64 * (3 - i));
        product[i] = static_cast<Word>(carry);
        carry >>= 64;
    }
    product[4] = static_cast<Word>(carry);
    // |x| 2/pi mod 4 in units of 2^-254: the product has the unit 2^(e - first - 255)
    for (int shift = first + 1 - e; shift > 0; shift -= shift < 63 ? shift : 63) {
        const int s = shift < 63 ? shift : 63;
        for (int i = 0; i < 5; ++i) {
            product[i] = product[i] >> s | (i < 4 ? product[i + 1] << (64 - s) : 0);
        }
    }
    std::int64_t n = static_cast<std::int64_t>(product[3] >> 62);
    Word fraction[4] = {product[0], product[1], product[2], product[3] << 2 >> 2};

    // to the nearest integer: fraction - 1 in [-1/2, 0), as its absolute value
    bool negative = (fraction[3] >> 61) != 0;
    if (negative) {
        ++n;
        Wide borrow = 0;
        const Word one[4] = {0, 0, 0, Word{1} << 62};
        for (int i = 0; i < 4; ++i) {
            const Wide difference = static_cast<Wide>(one[i]) - fraction[i] - borrow;
            fraction[i] = static_cast<Word>(difference);
            borrow = (difference >> 64) != 0 ? 1 : 0;
        }
    }

    // its 128 leading bits: fraction = lead 2^(-126 - zeros), but for the error
    int zeros = 0;
    while (zeros < 126 && (fraction[3] >> 61) == 0) {
        for (int i = 3; i > 0; --i) {
            fraction[i] = fraction[i] << 1 | fraction[i - 1] >> 63;
        }
        fraction[0] <<= 1;
        ++zeros;
    }
    if (zeros > 100) {  // below 2^-100 the error, 2^-200, might count
        return {0.0, 0.0, 0, false};
    }
    // times pi/2, 128 leading bits of the product of two 128-bit numbers, each partial product cut
    const Word a1 = fraction[3], a0 = fraction[2];
    const Wide cross1 = static_cast<Wide>(a1) * half_pi[1], cross0 = static_cast<Wide>(a0) * half_pi[0];
    const Wide r = static_cast<Wide>(a1) * half_pi[0] + (cross1 >> 64) + (cross0 >> 64);
    // r is about fraction 2^126 * pi/2 2^127 / 2^128: the unit is 2^(-125 - zeros). 52 bits, then the next 64
    const auto top = static_cast<Word>(r >> 76), next = static_cast<Word>(r >> 12);
    const double head = static_cast<double>(top) * power_of_two(76 - 125 - zeros);
    const double tail = static_cast<double>(next) * power_of_two(12 - 125 - zeros);
    const double high = head + tail;
    const double low = tail - (high - head);
    negative = negative != (x < 0.0);
    n = x < 0.0 ? -n : n;
    return {negative ? -high : high, negative ? -low : low, n & 3, true};
}

}  // namespace gonogo::numeric
