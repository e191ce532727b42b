// With x = middle + radius y, f(m) = c + h . m - sum_i |a_i + (F' m)_i|: concave, with as many kinks as inputs, which
// steps along the derivative zigzag at. So |t| is rounded off below mu, and accelerated steps climb what is smooth then
// (Y. Nesterov, "Smooth minimization of non-smooth functions", 2005), mu getting smaller.
#include "linear/multipliers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace gonogo::linear {

namespace {

constexpr int levels = 5;  // of mu
constexpr double first_mu = 1.0, next_mu = 0.25;

double dot(std::size_t n, const double* a, const double* b) {
    double sum[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (std::size_t k = 0; k < 4; ++k) sum[k] += a[i + k] * b[i + k];
    }
    for (; i < n; ++i) sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

class Climb {
  public:
    Climb(std::span<const double> forms, std::span<const double> lo, std::span<const double> hi, std::size_t count)
        : n_(lo.size()), count_(count), half_(count * n_), offset_(count), scale_(count, 0.0), t_(n_), sign_(n_) {
        row_.assign(forms.begin(), forms.begin() + static_cast<std::ptrdiff_t>(n_));
        for (std::size_t i = 0; i < n_; ++i) row_[i] *= 0.5 * (hi[i] - lo[i]);
        for (std::size_t k = 0; k < count_; ++k) {
            const double* form = forms.data() + (k + 1) * (n_ + 1);
            double* half = half_.data() + k * n_;
            offset_[k] = form[n_];
            for (std::size_t i = 0; i < n_; ++i) {
                offset_[k] += form[i] * (0.5 * lo[i] + 0.5 * hi[i]);
                half[i] = form[i] * (0.5 * (hi[i] - lo[i]));
            }
            const double size = std::sqrt(dot(n_, half, half));
            if (!(size > 0.0) || !std::isfinite(size) || !std::isfinite(offset_[k])) {
                std::fill_n(half, n_, 0.0);
                offset_[k] = 0.0;
                continue;
            }
            // All half spaces as if of length one.
            scale_[k] = 1.0 / size;
            offset_[k] *= scale_[k];
            for (std::size_t i = 0; i < n_; ++i) half[i] *= scale_[k];
        }
    }

    void run(std::vector<double>& multipliers, int steps) {
        std::vector<double> at(count_), best;
        for (std::size_t k = 0; k < count_; ++k) at[k] = scale_[k] > 0.0 ? multipliers[k] / scale_[k] : 0.0;
        best = at;
        double highest = look(at);
        double mu = 0.0;
        for (const double a : row_) mu += std::fabs(a);
        mu *= first_mu / static_cast<double>(n_);
        if (!(mu > 0.0) || !std::isfinite(highest)) return;
        const double norm = largest_eigenvalue();
        if (!(norm > 0.0)) return;
        std::vector<double> ahead, last, slope(count_);
        for (int level = 0; level < levels; ++level, mu *= next_mu) {
            ahead = last = at = best;
            double t = 1.0;
            for (int step = 0; step < steps; ++step) {
                const double value = look(ahead);
                if (value > highest) highest = value, best = ahead;
                for (std::size_t i = 0; i < n_; ++i) sign_[i] = std::clamp(t_[i] / mu, -1.0, 1.0);
                for (std::size_t k = 0; k < count_; ++k)
                    slope[k] = offset_[k] - dot(n_, half_.data() + k * n_, sign_.data());
                const double next = 0.5 + std::sqrt(0.25 + t * t);
                for (std::size_t k = 0; k < count_; ++k) {
                    last[k] = at[k];
                    at[k] = std::max(0.0, ahead[k] + slope[k] * mu / norm);
                    ahead[k] = std::max(0.0, at[k] + (t - 1.0) / next * (at[k] - last[k]));
                }
                t = next;
            }
            if (const double value = look(at); value > highest) highest = value, best = at;
        }
        for (std::size_t k = 0; k < count_; ++k) multipliers[k] = best[k] * scale_[k];
    }

  private:
    // f, but for the row's constant; t_ becomes a + F' m.
    double look(const std::vector<double>& m) {
        t_ = row_;
        double value = 0.0;
        for (std::size_t k = 0; k < count_; ++k) {
            if (m[k] == 0.0) continue;
            value += m[k] * offset_[k];
            const double* half = half_.data() + k * n_;
            for (std::size_t i = 0; i < n_; ++i) t_[i] += m[k] * half[i];
        }
        for (const double t : t_) value -= std::fabs(t);
        return value;
    }

    // Of F F', about.
    double largest_eigenvalue() {
        std::vector<double> v(count_, 1.0);
        double value = 0.0;
        for (int round = 0; round < 6; ++round) {
            std::fill(t_.begin(), t_.end(), 0.0);
            for (std::size_t k = 0; k < count_; ++k) {
                for (std::size_t i = 0; i < n_; ++i) t_[i] += v[k] * half_[k * n_ + i];
            }
            double size = 0.0;
            for (std::size_t k = 0; k < count_; ++k) {
                v[k] = dot(n_, half_.data() + k * n_, t_.data());
                size += v[k] * v[k];
            }
            value = std::sqrt(size);
            if (!(value > 0.0)) break;
            for (double& x : v) x /= value;
        }
        return 1.1 * value;
    }

    std::size_t n_, count_;
    std::vector<double> row_, half_, offset_, scale_, t_, sign_;
};

}  // namespace

void raise(std::span<const double> forms, std::span<const double> lo, std::span<const double> hi,
           std::vector<double>& multipliers, int steps) {
    if (multipliers.empty() || lo.empty()) return;
    Climb(forms, lo, hi, multipliers.size()).run(multipliers, steps);
}

}  // namespace gonogo::linear
