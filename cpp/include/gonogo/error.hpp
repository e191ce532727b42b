// Every error the core raises. One place, so that the border (bindings/exceptions.cpp) can map each to a Python class.
#pragma once

#include <stdexcept>
#include <string>

namespace gonogo {

class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A model that is damaged or contradicts itself: bad index, cycle, non-finite weight, missing buffer.
class ModelError : public Error {
    using Error::Error;
};

// An operator, or an attribute value of one, that the asked-for engine has no rule for.
class UnsupportedOperatorError : public Error {
    using Error::Error;
};

// An element type that a loader, operator or engine doesn't handle.
class UnsupportedTypeError : public Error {
    using Error::Error;
};

// Shapes that don't fit together.
class ShapeError : public Error {
    using Error::Error;
};

// Scales and zero points that aren't valid: zero or non-finite scale, zero point out of range.
class QuantizationError : public Error {
    using Error::Error;
};

// An accumulator of the deployed network that can leave its type's range.
class OverflowRiskError : public Error {
    using Error::Error;
};

// An input box that isn't one: lo > hi, NaN, wrong shape.
class BoxError : public Error {
    using Error::Error;
};

// A limit that can't be read or has the wrong unit.
class LimitError : public Error {
    using Error::Error;
};

// A search space, or a configuration of one, that doesn't hold together.
class SpaceError : public Error {
    using Error::Error;
};

// Ends or text that make no interval.
class IntervalError : public Error {
    using Error::Error;
};

// A target nobody described.
class TargetError : public Error {
    using Error::Error;
};

}  // namespace gonogo
