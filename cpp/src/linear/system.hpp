// A system of variables in blocks, each block defined by a step from earlier ones. What is proved about a system holds
// for every assignment that all its steps admit. Engines translate networks, or pairs of networks, into systems.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "linear/map.hpp"
#include "linear/relation.hpp"

namespace gonogo::linear {

using BlockId = std::int32_t;

// Ranges of blocks over the box at hand, for noise that depends on the size of values.
struct Values {
    std::function<std::span<const double>(BlockId)> lo, hi, magnitude;
    std::function<std::span<const double>(BlockId)> noise;  // of an affine step with noise
};

// An upper bound on what the device adds to each element, either sign: written to `noise` from the values so far.
// `lo`, `hi` enclose the step's exact result, `mass` is an upper bound on sum |W| |x| + |b|.
using Noise = std::function<void(const Values& values, std::span<const double> lo, std::span<const double> hi,
                                 std::span<const double> mass, std::span<double> noise)>;

struct AffineTerm {
    BlockId x;
    MapPointer map;
};

struct Step {
    enum class Kind : std::uint8_t {
        input,   // any number of the box
        free,    // any number of the ranges known from elsewhere
        affine,  // sum of terms + b + e: b in [bias_lo, bias_hi], |e| <= noise
        relation,
        group,
    };
    Kind kind = Kind::input;
    std::string name;

    std::vector<AffineTerm> terms;
    std::vector<double> bias_lo, bias_hi;  // empty: none
    Noise noise;                           // may be empty
    // The noise isn't part of the block, but of the relation that reads it: that may know a better use for it.
    bool noise_apart = false;
    double quantum = 0.0;  // the elements are multiples of this; 0: not known to be

    RelationPointer relation;
    GroupPointer group;
    std::vector<BlockId> inputs;  // of a relation: inputs, then hints; of a group: inputs

    int input_count() const { return relation ? relation->inputs() : (group ? group->inputs() : 0); }
};

// Block k is defined by step k.
struct System {
    std::vector<Block> blocks;
    std::vector<Step> steps;

    BlockId add(const Block& block, Step step) {
        blocks.push_back(block);
        steps.push_back(std::move(step));
        return static_cast<BlockId>(blocks.size()) - 1;
    }
    const Block& block(BlockId b) const { return blocks[static_cast<std::size_t>(b)]; }
    const Step& step(BlockId b) const { return steps[static_cast<std::size_t>(b)]; }
};

}  // namespace gonogo::linear
