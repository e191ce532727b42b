// The parts of a deep run. Each is cut into jobs that depend on nothing but their number, so that results don't depend
// on the number of threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check.hpp"

namespace deep {

struct Part {
    virtual ~Part() = default;
    virtual std::int64_t jobs() const = 0;
    virtual void run(std::int64_t job, Checker& checker) const = 0;
};

// Every binary32 number, or every `every`-th block of 4096 consecutive ones (a fixed choice that meets all binades).
struct Binary32 : Part {
    explicit Binary32(std::int64_t every_) : every(every_) {}
    std::int64_t jobs() const override { return 1 << 14; }
    void run(std::int64_t job, Checker& checker) const override;
    std::int64_t every;
};

// Random binary64 numbers in clusters of 256: a random centre, 256 random points within 2^-12 of its size (less where f
// turns fast), one in each of as many equal parts. A quarter of the centres are uniform over all bit patterns, the
// others over the binades where f is neither flat nor the identity. What isn't independent are the leading digits in a
// cluster; the trailing ones are.
struct Clusters : Part {
    Clusters(Name f_, std::int64_t points) : f(f_), clusters(points / 256) {}
    std::int64_t jobs() const override { return (clusters + 1023) / 1024; }
    void run(std::int64_t job, Checker& checker) const override;
    Name f;
    std::int64_t clusters;
};

// Independent random binary64 numbers from the same distribution of centres.
struct Independent : Part {
    Independent(Name f_, std::int64_t points_) : f(f_), points(points_) {}
    std::int64_t jobs() const override { return (points + 4095) / 4096; }
    void run(std::int64_t job, Checker& checker) const override;
    Name f;
    std::int64_t points;
};

// The 2001 binary64 numbers around each hard point: see hard_points().
struct Neighbourhoods : Part {
    Neighbourhoods(Name f, Kernel kernel, const std::vector<std::string>& sources);
    std::int64_t jobs() const override { return static_cast<std::int64_t>(centres.size()); }
    void run(std::int64_t job, Checker& checker) const override;
    std::vector<double> centres;
};

}  // namespace deep
