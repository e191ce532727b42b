// Every C++ error of gonogo becomes a Python class that is also the builtin users would expect to catch.
#include <array>
#include <exception>
#include <string>

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/pybind11.h>

#include "gonogo/error.hpp"

#include "bindings.hpp"

namespace py = pybind11;

namespace {

enum Kind : std::size_t {
    base,
    model,
    unsupported_operator,
    unsupported_type,
    shape,
    quantization,
    overflow,
    box,
    limit,
    target,
    interval,
    undecided,
    space,
    kinds
};

using Classes = std::array<PyObject*, kinds>;

// Owned for the life of the interpreter: a class that was raised once may be held by anyone.
PYBIND11_CONSTINIT py::gil_safe_call_once_and_store<Classes> storage;

PyObject* make(py::module_& m, const char* name, const char* doc, const py::object& bases) {
    const std::string full = std::string("gonogo._core.") + name;
    PyObject* cls = PyErr_NewExceptionWithDoc(full.c_str(), doc, bases.ptr(), nullptr);
    if (cls == nullptr) throw py::error_already_set();
    m.add_object(name, py::handle(cls));
    return cls;
}

Classes make_all(py::module_& m) {
    Classes c{};
    c[base] = make(m, "GonogoError", "Everything gonogo raises on purpose derives from this class.",
                   py::reinterpret_borrow<py::object>(PyExc_Exception));
    const auto derived = [&](const char* name, PyObject* builtin, const char* doc) {
        return make(m, name, doc, py::make_tuple(py::handle(c[base]), py::handle(builtin)));
    };
    c[model] = derived("ModelError", PyExc_ValueError, "A model that is damaged or contradicts itself.");
    c[unsupported_operator] = derived("UnsupportedOperatorError", PyExc_NotImplementedError,
                                      "An operator, or an attribute value of one, without a rule in the asked-for "
                                      "engine.");
    c[unsupported_type] = derived("UnsupportedTypeError", PyExc_TypeError, "An element type that isn't handled.");
    c[shape] = derived("ShapeError", PyExc_ValueError, "Shapes that don't fit together.");
    c[quantization] = derived("QuantizationError", PyExc_ValueError, "A scale or zero point that isn't valid.");
    c[overflow] = derived("OverflowRiskError", PyExc_ArithmeticError,
                          "An accumulator of the deployed network that can leave its type's range.");
    c[box] = derived("BoxError", PyExc_ValueError, "An input box that isn't one: lo > hi, NaN, wrong shape or type.");
    c[limit] = derived("LimitError", PyExc_ValueError, "A limit that can't be read or has the wrong unit.");
    c[target] = derived("TargetError", PyExc_LookupError, "A target nobody described, or a description with gaps.");
    c[interval] = derived("IntervalError", PyExc_ValueError, "Ends, numbers or text that make no interval.");
    c[undecided] = derived("UndecidedError", PyExc_ValueError,
                           "A comparison of intervals that holds for some of their numbers and not for others.");
    c[space] = derived("SpaceError", PyExc_ValueError,
                       "A search space that contradicts itself, or a configuration that isn't in it.");
    return c;
}

void raise(Kind kind, const std::exception& error) {
    py::set_error(storage.get_stored()[kind], error.what());
}

void translate(std::exception_ptr pointer) {
    try {
        if (pointer) std::rethrow_exception(pointer);
    } catch (const gonogo::ModelError& e) {
        raise(model, e);
    } catch (const gonogo::UnsupportedOperatorError& e) {
        raise(unsupported_operator, e);
    } catch (const gonogo::UnsupportedTypeError& e) {
        raise(unsupported_type, e);
    } catch (const gonogo::ShapeError& e) {
        raise(shape, e);
    } catch (const gonogo::QuantizationError& e) {
        raise(quantization, e);
    } catch (const gonogo::OverflowRiskError& e) {
        raise(overflow, e);
    } catch (const gonogo::BoxError& e) {
        raise(box, e);
    } catch (const gonogo::LimitError& e) {
        raise(limit, e);
    } catch (const gonogo::IntervalError& e) {
        raise(interval, e);
    } catch (const gonogo::TargetError& e) {
        raise(target, e);
    } catch (const gonogo::SpaceError& e) {
        raise(space, e);
    } catch (const gonogo::Error& e) {
        raise(base, e);
    }
}

}  // namespace

void register_exceptions(py::module_& m) {
    storage.call_once_and_store_result([&] { return make_all(m); });
    py::register_local_exception_translator(&translate);
}
