// The parts of the module gonogo._core, each in its own file.
#pragma once

#include <pybind11/pybind11.h>

void register_exceptions(pybind11::module_& m);  // first: the others may raise
void register_numeric(pybind11::module_& m);
void register_graph(pybind11::module_& m);
void register_engines(pybind11::module_& m);
void register_semantics(pybind11::module_& m);
void register_cost(pybind11::module_& m);
void register_space(pybind11::module_& m);  // after graph and cost
void register_integer_kernels(pybind11::module_& m);
void register_interval(pybind11::module_& m);
void register_interval_arrays(pybind11::module_& m);    // into `interval`, so after it
void register_roundoff(pybind11::module_& m);           // into `numeric`, so after it
void register_elementary(pybind11::module_& m);         // into `numeric`
void register_convolution(pybind11::module_& m);        // into `numeric`
void register_matrix(pybind11::module_& m);             // into `numeric`
void register_back_substitution(pybind11::module_& m);  // into `numeric`
