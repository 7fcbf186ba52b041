/// Orthogonalization of one matrix.
#ifndef MUON_ORTHOGONALIZE_HPP
#define MUON_ORTHOGONALIZE_HPP

#include <muon/options.hpp>
#include <muon/span.hpp>

#include <cstdint>
#include <vector>

namespace muon {

/// Writes the orthogonal matrix nearest to the rows x cols matrix g: approximately U V^T, where g =
/// U S V^T is its singular value decomposition. Both are row-major and have rows*cols elements. out
/// may be g itself, but must not overlap it otherwise. A matrix of zeros gives zeros. Error:
/// Status::shape for a count that does not fit, Status::invalid_argument for NaN or infinity in g
/// or an option out of range.
inline void orthogonalize(Span<const float> g, std::int64_t rows, std::int64_t cols,
                          Span<float> out, const OrthogonalizeOptions &options = {}) {
  const muon_orthogonalize_options c = options.to_c();
  detail::check(
      muon_orthogonalize(g.data(), g.size(), rows, cols, &c, out.data(), out.size()));
}

/// The same in a vector of its own.
inline std::vector<float> orthogonalize(Span<const float> g, std::int64_t rows, std::int64_t cols,
                                        const OrthogonalizeOptions &options = {}) {
  std::vector<float> out(g.size());
  orthogonalize(g, rows, cols, out, options);
  return out;
}

/// The same for batch (>= 0) matrices of one shape, one after the other: all of them, or none.
inline void orthogonalize_batch(Span<const float> g, std::int64_t batch, std::int64_t rows,
                                std::int64_t cols, Span<float> out,
                                const OrthogonalizeOptions &options = {}) {
  const muon_orthogonalize_options c = options.to_c();
  detail::check(muon_orthogonalize_batch(g.data(), g.size(), batch, rows, cols, &c, out.data(),
                                         out.size()));
}

/// The rows a backend uses for a number of steps (0: its own number), one a step; none for
/// Backend::svd. Error: Status::invalid_argument for Backend::custom.
inline std::vector<Coefficients> coefficients(Backend backend, std::int32_t backend_steps = 0) {
  return detail::results_of<Coefficients>(
      muon_backend_get_coefficients, static_cast<muon_backend>(backend), backend_steps);
}

/// The factor of a shape scale on the update of a matrix of rows x cols, each at least 1. Error:
/// Status::shape.
inline double shape_scale_factor(ShapeScale scale, std::int64_t rows, std::int64_t cols) {
  return detail::result_of<double>(muon_shape_scale_get_factor,
                                   static_cast<muon_shape_scale>(scale), rows, cols);
}

}  // namespace muon

#endif  // MUON_ORTHOGONALIZE_HPP
