// Planes below piecewise linear functions. Soundness never depends on this search: whatever slopes it finds, the caller
// takes the intercept from all vertices.
#pragma once

#include <algorithm>
#include <cmath>

namespace gonogo::linear {

struct Vertices {
    static constexpr int most = 40;
    int count = 0;
    double x[most], y[most], z[most];

    void add(double a, double b, double c) { x[count] = a, y[count] = b, z[count] = c, ++count; }
};

struct Slopes {
    double x = 0.0, y = 0.0;
};

// Slopes of a plane not above the vertices that is as high as possible at (px, py), a point of their convex hull: the
// simplex method on max over (a, b) of min_k z_k - a (x_k - px) - b (y_k - py), which starts at slopes zero. Ends after
// a few steps, at the latest with a plane that is merely good.
inline Slopes steepest_support(const Vertices& v, double px, double py) {
    constexpr int most_steps = 12;
    Slopes s;
    int active[3] = {};
    int actives = 0;
    const auto value = [&](int k) { return v.z[k] - s.x * (v.x[k] - px) - s.y * (v.y[k] - py); };
    for (int k = 1; k < v.count; ++k) {
        if (value(k) < value(active[0])) active[0] = k;
    }
    actives = 1;
    for (int step = 0; step < most_steps; ++step) {
        // A direction of the slopes in which the active planes rise together.
        double dx = 0.0;
        double dy = 0.0;
        const int a = active[0];
        if (actives == 1) {
            dx = px - v.x[a];
            dy = py - v.y[a];
        } else if (actives == 2) {
            dx = v.y[a] - v.y[active[1]];
            dy = v.x[active[1]] - v.x[a];
            if (dx * (px - v.x[a]) + dy * (py - v.y[a]) < 0.0) dx = -dx, dy = -dy;
        } else {
            // Weights of the point in the triangle: all non-negative at the optimum, else one vertex leaves.
            const auto cross = [&](int i, int j) {
                return (v.x[i] - px) * (v.y[j] - py) - (v.x[j] - px) * (v.y[i] - py);
            };
            double w[3] = {cross(active[1], active[2]), cross(active[2], active[0]), cross(active[0], active[1])};
            const double sum = w[0] + w[1] + w[2];
            int worst = 0;
            for (int i = 0; i < 3; ++i) {
                w[i] /= sum;
                if (w[i] < w[worst]) worst = i;
            }
            if (!(w[worst] < -1e-12)) break;
            active[worst] = active[2];
            actives = 2;
            continue;
        }
        const double rise = dx * (px - v.x[a]) + dy * (py - v.y[a]);
        if (!(rise > 0.0)) break;
        double best = HUGE_VAL;
        int next = -1;
        for (int k = 0; k < v.count; ++k) {
            if (k == a || (actives == 2 && k == active[1])) continue;
            const double slower = rise - (dx * (px - v.x[k]) + dy * (py - v.y[k]));
            if (!(slower > 1e-12 * rise)) continue;
            const double t = std::max(0.0, (value(k) - value(a)) / slower);
            if (t < best) best = t, next = k;
        }
        if (next < 0 || !(best < HUGE_VAL)) break;
        s.x += best * dx;
        s.y += best * dy;
        active[actives++] = next;
    }
    return s;
}

}  // namespace gonogo::linear
