// Uses one thing of each installed library; what matters is that it compiles, links and runs outside the project.
#include <cstdio>
#include <string>

#include "gonogo/ir/graph_builder.hpp"
#include "gonogo/numeric/interval.hpp"
#include "gonogo/version.hpp"

int main() {
    const gonogo::numeric::Interval third =
        gonogo::numeric::Interval::point(1.0) / gonogo::numeric::Interval::point(3.0);
    if (!(third.lo < third.hi)) return 1;

    gonogo::GraphBuilder builder("consumer", "architecture");
    const gonogo::TensorId x = builder.input("x", {gonogo::Expr(1), gonogo::Expr(4)}, gonogo::DType::float32, {});
    const gonogo::TensorId y = builder.activation("y", {}, gonogo::DType::float32, {});
    builder.node("relu", "first", {x}, {y}, {});
    builder.output(y);
    const auto graph = builder.build();
    std::printf("gonogo %s: %zu node\n", gonogo::version, graph->nodes.size());
    return graph->nodes.size() == 1 ? 0 : 1;
}
