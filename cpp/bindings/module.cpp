#include <pybind11/pybind11.h>

#include "gonogo/version.hpp"

#include "bindings.hpp"

// No binding touches module state after import and graphs are immutable, so free-threaded Python needs no lock.
PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    m.doc() = "gonogo's core: graphs, engines and outward-rounded arithmetic. Use it through the package gonogo.";
    m.attr("__version__") = gonogo::version;
    register_exceptions(m);
    register_numeric(m);
    register_elementary(m);
    register_convolution(m);
    register_matrix(m);
    register_back_substitution(m);
    register_interval(m);
    register_interval_arrays(m);
    register_roundoff(m);
    register_graph(m);
    register_engines(m);
    register_semantics(m);
    register_cost(m);
    register_space(m);
    register_integer_kernels(m);
}
