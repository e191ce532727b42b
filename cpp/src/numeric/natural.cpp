#include "natural.hpp"

#include <algorithm>

#include "scaled_integer.hpp"

namespace gonogo::numeric::detail {

Natural::Natural(std::uint64_t value) {
    limbs_ = {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
    trim();
}

void Natural::trim() {
    while (!limbs_.empty() && limbs_.back() == 0) {
        limbs_.pop_back();
    }
}

std::int64_t Natural::bit_length() const {
    if (limbs_.empty()) {
        return 0;
    }
    return 32 * (static_cast<std::int64_t>(limbs_.size()) - 1) + detail::bit_length(limbs_.back());
}

Natural& Natural::multiply_add(std::uint32_t factor, std::uint32_t addend) {
    std::uint64_t carry = addend;
    for (std::uint32_t& limb : limbs_) {
        carry += std::uint64_t{limb} * factor;
        limb = static_cast<std::uint32_t>(carry);
        carry >>= 32;
    }
    if (carry != 0) {
        limbs_.push_back(static_cast<std::uint32_t>(carry));
    }
    trim();
    return *this;
}

Natural& Natural::shift_left(std::int64_t bits) {
    if (bits > 0 && !limbs_.empty()) {
        multiply_add(std::uint32_t{1} << (bits % 32), 0);
        limbs_.insert(limbs_.begin(), static_cast<std::size_t>(bits / 32), 0);
    }
    return *this;
}

Natural& Natural::shift_right(std::int64_t bits, bool& lost) {
    if (bits <= 0) {
        return *this;
    }
    const auto whole = static_cast<std::size_t>(bits / 32);
    if (whole >= limbs_.size()) {
        lost = lost || !is_zero();
        limbs_.clear();
        return *this;
    }
    const auto begin = limbs_.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(whole);
    lost = lost || std::any_of(begin, end, [](std::uint32_t limb) { return limb != 0; });
    limbs_.erase(begin, end);
    const std::uint32_t divisor = std::uint32_t{1} << (bits % 32);
    lost = divide_small(divisor) != 0 || lost;
    return *this;
}

Natural& Natural::add(const Natural& other) {
    limbs_.resize(std::max(limbs_.size(), other.limbs_.size()) + 1);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
        carry += std::uint64_t{limbs_[i]} + (i < other.limbs_.size() ? other.limbs_[i] : 0);
        limbs_[i] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
    }
    trim();
    return *this;
}

Natural& Natural::subtract(const Natural& other) {
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
        const std::int64_t limb = i < other.limbs_.size() ? std::int64_t{other.limbs_[i]} : 0;
        const std::int64_t difference = std::int64_t{limbs_[i]} - limb - borrow;
        limbs_[i] = static_cast<std::uint32_t>(difference);
        borrow = difference < 0 ? 1 : 0;
    }
    trim();
    return *this;
}

Natural& Natural::multiply_power_of_ten(std::int64_t exponent) {
    for (; exponent >= 9; exponent -= 9) {
        multiply_add(1000000000, 0);
    }
    for (; exponent > 0; --exponent) {
        multiply_add(10, 0);
    }
    return *this;
}

std::uint32_t Natural::divide_small(std::uint32_t divisor) {
    std::uint64_t rest = 0;
    for (auto limb = limbs_.rbegin(); limb != limbs_.rend(); ++limb) {
        rest = (rest << 32) | *limb;
        *limb = static_cast<std::uint32_t>(rest / divisor);
        rest %= divisor;
    }
    trim();
    return static_cast<std::uint32_t>(rest);
}

std::uint64_t Natural::low_bits() const {
    const std::uint64_t low = limbs_.empty() ? 0 : limbs_[0];
    return limbs_.size() < 2 ? low : low | (std::uint64_t{limbs_[1]} << 32);
}

Natural operator*(const Natural& a, const Natural& b) {
    Natural product;
    product.limbs_.resize(a.limbs_.size() + b.limbs_.size());
    for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < b.limbs_.size(); ++j) {
            carry += std::uint64_t{a.limbs_[i]} * b.limbs_[j] + product.limbs_[i + j];
            product.limbs_[i + j] = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
        product.limbs_[i + b.limbs_.size()] = static_cast<std::uint32_t>(carry);
    }
    product.trim();
    return product;
}

std::strong_ordering operator<=>(const Natural& a, const Natural& b) {
    if (a.limbs_.size() != b.limbs_.size()) {
        return a.limbs_.size() <=> b.limbs_.size();
    }
    return std::lexicographical_compare_three_way(a.limbs_.rbegin(), a.limbs_.rend(), b.limbs_.rbegin(),
                                                  b.limbs_.rend());
}

QuotientBits divide(Natural a, const Natural& b) {
    // One quotient bit per step, from the greatest that fits: a < b * 2^(shift + 1) holds throughout.
    std::uint64_t quotient = 0;
    for (std::int64_t shift = std::max<std::int64_t>(a.bit_length() - b.bit_length(), 0); shift >= 0; --shift) {
        Natural part = b;
        part.shift_left(shift);
        quotient <<= 1;
        if (a >= part) {
            a.subtract(part);
            quotient |= 1;
        }
    }
    return {quotient, a.is_zero()};
}

}  // namespace gonogo::numeric::detail
