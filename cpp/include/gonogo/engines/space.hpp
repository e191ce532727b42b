// Branch and prune over a search space of hyper-parameters: which parts hold no configuration within the limits, which
// hold nothing else, and what remains open.
//
// A space is a product of lists of values, handled by index; a parameter may exist only under a condition. What is
// known of a box comes from a judge, whose answers hold for every configuration of the box (Theorem 86).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gonogo {

// Indices of values, first and last, by parameter.
struct SpaceBox {
    std::vector<std::int32_t> lo, hi;

    bool is_point() const { return lo == hi; }
};

enum class Region : std::uint8_t { feasible, infeasible, undecided };

// Whether a conditional parameter exists in a box.
enum class Existence : std::uint8_t { never, always, open };

struct SpaceFinding {
    Region region = Region::undecided;
    std::uint64_t broken = 0;       // limits, by bit, that reject every configuration of the box by themselves
    std::uint64_t open = 0;         // limits neither kept nor broken by all
    bool is_network = true;         // false: no configuration of the box is a network at all
    std::vector<Existence> exists;  // by parameter
};

class SpaceJudge {
  public:
    virtual ~SpaceJudge() = default;
    // `masked`: limits, by bit, that don't count.
    virtual void judge(std::span<const SpaceBox> boxes, std::uint64_t masked, std::vector<SpaceFinding>& out) const = 0;
    // By limit: no configuration of the box has less of what the limit rejects for; and how far it spreads over the
    // box, as the logarithm of its greatest over its least value.
    virtual void least(const SpaceBox& box, std::vector<double>& least, std::vector<double>& spread) const = 0;
};

struct SpaceShape {
    std::vector<std::int32_t> sizes;                       // values per parameter
    std::vector<std::vector<double>> places;               // where a parameter's values lie on its scale, ascending
    std::vector<std::vector<std::size_t>> exists_through;  // parameters that decide whether it exists; empty: always
    std::vector<std::size_t> structural;                   // parameters that decide which nodes there are
    std::vector<std::vector<std::size_t>> support;         // by limit: parameters that it depends on
    std::vector<std::size_t> requirements;                 // parameters that decide whether it is a network
    std::vector<double> limits;                            // by limit: its value
};

struct PavedBox {
    SpaceBox box;
    SpaceFinding finding;
    double volume = 0.0;  // configurations in it; a parameter that doesn't exist counts once
};

struct Paving {
    std::vector<PavedBox> boxes;  // disjoint, together the whole space
    std::int64_t evaluated = 0;   // boxes
};

struct SpaceBudget {
    std::int64_t boxes = 1 << 20;
    double seconds = 1e300;
    // Told now and then: boxes evaluated, and the share of the volume that is decided. Returns false to stop.
    std::function<bool(std::int64_t evaluated, double decided)> watch = {};
};

// What a search for a configuration ends with. `proved`: the answer is certain (else the budget ran out).
struct Found {
    std::optional<std::vector<std::int32_t>> point;
    bool proved = false;
};

class SpaceSearch {
  public:
    SpaceSearch(const SpaceJudge& judge, SpaceShape shape);

    SpaceBox whole() const;
    double volume(const SpaceBox& box, const SpaceFinding& finding) const;

    // Of the whole space. Largest open box first, until nothing is open or the budget is spent. The same budget in
    // boxes gives the same paving; one in seconds may stop elsewhere.
    Paving pave(const SpaceBudget& budget) const;

    // A configuration of the box that isn't infeasible, or the proof that there is none. `must_exist`: a parameter
    // that it must have, or -1.
    Found find(const SpaceBox& box, std::int64_t boxes, std::uint64_t masked = 0, int must_exist = -1) const;

    // The least value of what limit i rejects for, over the configurations that the other limits let pass, with the
    // configuration that has it. Without a limit: the least factor by which all limits together would have to grow.
    struct Least {
        double value = 0.0;
        Found found;
    };
    Least least(const SpaceBox& box, std::optional<std::size_t> limit, std::int64_t boxes) const;

  private:
    int choose(const SpaceBox& box, const SpaceFinding& finding) const;
    void split(const SpaceBox& box, int parameter, SpaceBox& low, SpaceBox& high) const;
    void settle(SpaceBox& box, const SpaceFinding& finding) const;
    SpaceFinding look(const SpaceBox& box, std::uint64_t masked) const;
    bool narrow(SpaceBox& box, const SpaceFinding& finding, const std::vector<std::int32_t>& least) const;

    const SpaceJudge& judge_;
    SpaceShape shape_;
    std::vector<std::vector<double>> weight_;  // by limit and parameter: how much of its spread is the parameter's
};

}  // namespace gonogo
