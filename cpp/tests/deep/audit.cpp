// Kernels with known behaviour, to audit the deep run itself: `--kernel tightest` must have no failure and hardly a
// direct call; `--kernel low` (the lower end is the number just above the true value) and `--kernel high` must fail at
// every point but those where f(x) is a binary64 number.
#include <limits>

#include "kernels.hpp"

namespace deep {

namespace {

template <int wrong>
void audit(Name f, const double* x, const double*, double* low, double* high, std::int64_t count) {
    thread_local Oracle oracle;
    for (std::int64_t i = 0; i < count; ++i) {
        if (!in_domain(f, x[i])) {  // only hard_points() asks
            low[i] = high[i] = std::numeric_limits<double>::quiet_NaN();
            continue;
        }
        const Tightest t = oracle.tightest(f, x[i]);
        low[i] = wrong < 0 ? t.up : t.down;
        high[i] = wrong > 0 ? t.down : t.up;
    }
}

}  // namespace

Kernel audit_kernel(const std::string& name) {
    return name == "tightest" ? audit<0> : name == "low" ? audit<-1> : name == "high" ? audit<1> : nullptr;
}

}  // namespace deep
