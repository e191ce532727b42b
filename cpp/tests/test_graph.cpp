// Graphs without Python: built, refused, run through every engine.
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "gonogo/engines/bounds.hpp"
#include "gonogo/engines/cost.hpp"
#include "gonogo/error.hpp"
#include "gonogo/ir/graph_builder.hpp"
#include "gonogo/numeric/environment.hpp"

#include "check.hpp"

using namespace gonogo;

namespace {

std::vector<std::byte> bytes(const std::vector<float>& values) {
    std::vector<std::byte> out(values.size() * sizeof(float));
    std::memcpy(out.data(), values.data(), out.size());
    return out;
}

// y = relu(W x + b) with W = [[1, -2], [3, 4]] and b = [0.5, -10].
std::shared_ptr<const Graph> dense_net() {
    GraphBuilder b("test", "architecture");
    const TensorId x = b.input("x", {Expr(1), Expr(2)}, DType::float32, {});
    const TensorId w = b.constant("w", DType::float32, {2, 2}, bytes({1.0F, -2.0F, 3.0F, 4.0F}), {});
    const TensorId c = b.constant("c", DType::float32, {2}, bytes({0.5F, -10.0F}), {});
    const TensorId y = b.activation("y", {}, DType::float32, {});
    b.node("dense", "layer", {x, w, c}, {y}, {{"activation", std::string("relu")}});
    b.output(y);
    return b.build();
}

void test_expressions() {
    const Expr w = Expr::symbol("w");
    const Expr area = (w + 1) * 3;
    CHECK(!area.is_constant() && (Expr(2) * 3).constant() == 6);
    CHECK(floor_div(Expr(-7), Expr(2)).constant() == -4 && ceil_div(Expr(7), Expr(2)).constant() == 4);
    CHECK(check::throws<ShapeError>([&] { (void)area.constant(); }));
    const Expr huge = Expr(std::numeric_limits<std::int64_t>::max());
    CHECK(check::throws<ShapeError>([&] { (void)(huge + 1).constant(); }));
    CHECK(check::throws<ShapeError>([&] { (void)floor_div(Expr(1), Expr(0)).constant(); }));
}

void test_a_graph_through_the_engines() {
    const numeric::EnvironmentGuard guard;
    const auto graph = dense_net();
    CHECK(graph->nodes.size() == 1 && graph->inputs.size() == 1 && graph->outputs.size() == 1);
    CHECK(graph->tensor(graph->find("y")).dims == (Shape{1, 2}));
    CHECK(graph->where(0).find("layer") != std::string::npos);

    IntervalTensor box(Shape{1, 2});
    box.lo = {0.0, 1.0};
    box.hi = {1.0, 3.0};
    const std::vector<IntervalTensor> boxes = {box};
    const auto ranges = bound(graph, boxes, {});
    CHECK(ranges.size() == 1 && ranges[0].lower.size() == 2);
    // By hand: row 0 lies in [0.5 - 6, 0.5 + 1 - 2] < 0, row 1 in [-10 + 4, -10 + 3 + 12].
    CHECK(ranges[0].lower[0] == 0.0 && ranges[0].upper[0] == 0.0);
    CHECK(ranges[0].lower[1] == 0.0 && ranges[0].upper[1] >= 5.0 && ranges[0].upper[1] < 5.0 + 1e-12);

    const CostResult spent = CostModel(*graph).cost(CostTarget{});
    CHECK(spent.macs == 4 && spent.parameter_bytes == 24);
}

void test_what_the_builder_refuses() {
    CHECK(check::throws<ModelError>([] {  // too few bytes
        GraphBuilder b("test", "architecture");
        b.constant("w", DType::float32, {2, 2}, bytes({1.0F}), {});
    }));
    CHECK(check::throws<ModelError>([] {
        GraphBuilder b("test", "architecture");
        b.constant("w", DType::float32, {1}, bytes({std::numeric_limits<float>::infinity()}), {});
    }));
    CHECK(check::throws<Error>([] {
        GraphBuilder b("test", "architecture");
        b.node("no such operator", "n", {}, {}, {});
    }));
    for (const TensorId wrong : {-2, 5, 1 << 30}) {
        CHECK(check::throws<Error>([&] {
            GraphBuilder b("test", "architecture");
            const TensorId x = b.input("x", {Expr(1)}, DType::float32, {});
            const TensorId y = b.activation("y", {}, DType::float32, {});
            b.node("relu", "n", {wrong}, {y}, {});
            b.output(x);
            b.build();
        }));
    }
    CHECK(check::throws<Error>([] {  // read before it is made: no schedule
        GraphBuilder b("test", "architecture");
        const TensorId x = b.activation("x", {}, DType::float32, {});
        const TensorId y = b.activation("y", {}, DType::float32, {});
        b.node("relu", "first", {x}, {y}, {});
        b.node("relu", "second", {y}, {x}, {});
        b.output(y);
        b.build();
    }));
    CHECK(check::throws<Error>([] {  // scale of zero
        GraphBuilder b("test", "architecture");
        b.input("x", {Expr(1)}, DType::int8, Quantization{{0.0F}, {0}, 0});
        b.build();
    }));
}

void test_what_the_engines_refuse() {
    const numeric::EnvironmentGuard guard;
    const auto graph = dense_net();
    IntervalTensor box(Shape{1, 2});
    box.lo = {1.0, 1.0};
    const std::vector<IntervalTensor> upside_down = {box};
    CHECK(check::throws<BoxError>([&] { bound(graph, upside_down, {}); }));
    CHECK(check::throws<BoxError>([&] { bound(graph, {}, {}); }));
    const std::vector<IntervalTensor> fine = {IntervalTensor(Shape{1, 2})};
    CHECK(check::throws<ModelError>(
        [&] { bound(graph, fine, {.device = RealArithmetic{}, .tensor = "no such tensor"}); }));
}

}  // namespace

int main() {
    test_expressions();
    test_a_graph_through_the_engines();
    test_what_the_builder_refuses();
    test_what_the_engines_refuse();
    return check::report();
}
