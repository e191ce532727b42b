// The parts of the module gonogo._core, each in its own file.
#pragma once

#include <pybind11/pybind11.h>

void register_exceptions(pybind11::module_& m);  // first: the others may raise
void register_numeric(pybind11::module_& m);
void register_graph(pybind11::module_& m);
void register_engines(pybind11::module_& m);
void register_cost(pybind11::module_& m);
void register_integer_kernels(pybind11::module_& m);
