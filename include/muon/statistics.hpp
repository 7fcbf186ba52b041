/// What one step did to a parameter.
#ifndef MUON_STATISTICS_HPP
#define MUON_STATISTICS_HPP

#include <muon/options.hpp>

#include <cstdint>

namespace muon {
namespace detail {

inline const muon_param_statistics &statistics_defaults() {
  return defaults<muon_param_statistics, muon_param_statistics_init>();
}

}  // namespace detail

/// What one step did to a parameter p of n elements with the gradient g. muon.h has the formulas.
/// What was not measured is NaN.
struct ParameterStatistics {
  /// The step of the parameter that was measured, from 1. 0: none was.
  std::int64_t step = detail::statistics_defaults().step;
  /// The root of the sum of the squares of g.
  double grad_norm = detail::statistics_defaults().grad_norm;
  /// The root mean square of the change of an element, without weight decay.
  double update_rms = detail::statistics_defaults().update_rms;
  /// Muon: lr times the factor of its ShapeScale. AdamW: lr.
  double effective_lr = detail::statistics_defaults().effective_lr;
  /// Muon, at StatisticsLevel::orthogonality: 0 where the update is orthogonal, 1 where it is 0.
  double orthogonality_error = detail::statistics_defaults().orthogonality_error;
};

namespace detail {

inline ParameterStatistics from_c(const muon_param_statistics &c) {
  return {c.step, c.grad_norm, c.update_rms, c.effective_lr, c.orthogonality_error};
}

}  // namespace detail
}  // namespace muon

#endif  // MUON_STATISTICS_HPP
