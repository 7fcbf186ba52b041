/// Options, with the library's own defaults.
///
/// Set the fields you need: MuonOptions options; options.lr = 0.05; or, from C++20 on,
/// MuonOptions{.lr = 0.05}. muon.h has the formulas and the defaults, which are asked for once.
/// A value out of range is an Error when the options are used.
#ifndef MUON_OPTIONS_HPP
#define MUON_OPTIONS_HPP

#include <muon/enums.hpp>
#include <muon/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muon {

/// One step's polynomial a x + b x^3 + c x^5.
using Coefficients = muon_coefficients;

namespace detail {

/// A struct of muon.h as its function muon_..._init fills it in.
template <class Struct, muon_status (*init)(Struct *, std::size_t)>
const Struct &defaults() {
  static const Struct filled = [] {
    Struct made{};
    check(init(&made, sizeof made));
    return made;
  }();
  return filled;
}

inline const muon_muon_options &muon_defaults() {
  return defaults<muon_muon_options, muon_muon_options_init>();
}
inline const muon_adamw_options &adamw_defaults() {
  return defaults<muon_adamw_options, muon_adamw_options_init>();
}
inline const muon_orthogonalize_options &orthogonalize_defaults() {
  return defaults<muon_orthogonalize_options, muon_orthogonalize_options_init>();
}

}  // namespace detail

/// What values an option takes, and its default. muon.h says what it is for options that are no numbers.
using OptionRange = muon_option_range;

/// The range of an option by its name: option_range(OptimizerKind::muon, "lr"). OptimizerKind::none: of
/// orthogonalize().
inline OptionRange option_range(OptimizerKind kind, const std::string &name) {
  return detail::result_of<OptionRange>(muon_option_get_range,
                                        static_cast<muon_optimizer_kind>(kind),
                                        detail::to_c_text(name, "name"));
}

/// Options of a parameter group of a Muon.
struct MuonOptions {
  /// Finite, >= 0.
  double lr = detail::muon_defaults().lr;
  /// [0, 1).
  double momentum = detail::muon_defaults().momentum;
  /// Decoupled; finite, >= 0.
  double weight_decay = detail::muon_defaults().weight_decay;
  /// Added to the Frobenius norm; finite, >= 0.
  double eps = detail::muon_defaults().eps;
  bool nesterov = detail::muon_defaults().nesterov != 0;
  MomentumStyle momentum_style = static_cast<MomentumStyle>(detail::muon_defaults().momentum_style);
  ShapeScale shape_scale = static_cast<ShapeScale>(detail::muon_defaults().shape_scale);
  Backend backend = static_cast<Backend>(detail::muon_defaults().backend);
  /// 1 to 99, or 0: the backend's own number.
  std::int32_t backend_steps = detail::muon_defaults().backend_steps;
  Precision precision = static_cast<Precision>(detail::muon_defaults().precision);
  NewtonSchulzMethod method = static_cast<NewtonSchulzMethod>(detail::muon_defaults().method);
  /// Backend::custom only: 1 to 99 rows, of which the last repeats.
  std::vector<Coefficients> coefficients = {};
};

/// Options of a parameter group of an AdamW.
struct AdamWOptions {
  /// Finite, >= 0.
  double lr = detail::adamw_defaults().lr;
  /// [0, 1): of the mean of the gradients.
  double beta1 = detail::adamw_defaults().beta1;
  /// [0, 1): of the mean of their squares.
  double beta2 = detail::adamw_defaults().beta2;
  /// Finite, >= 0.
  double eps = detail::adamw_defaults().eps;
  /// Decoupled; finite, >= 0.
  double weight_decay = detail::adamw_defaults().weight_decay;
};

/// Options of orthogonalize().
struct OrthogonalizeOptions {
  Backend backend = static_cast<Backend>(detail::orthogonalize_defaults().backend);
  /// 1 to 99, or 0: the backend's own number.
  std::int32_t backend_steps = detail::orthogonalize_defaults().backend_steps;
  /// Added to the Frobenius norm; finite, >= 0.
  double eps = detail::orthogonalize_defaults().eps;
  Precision precision = static_cast<Precision>(detail::orthogonalize_defaults().precision);
  NewtonSchulzMethod method = static_cast<NewtonSchulzMethod>(detail::orthogonalize_defaults().method);
  /// Backend::custom only: 1 to 99 rows, of which the last repeats.
  std::vector<Coefficients> coefficients = {};
};

namespace detail {

// What muon.h takes. It points into the options, which must outlive it.

template <class Struct>
void set_coefficients(Struct &c, const std::vector<Coefficients> &rows) {
  c.coefficients = rows.empty() ? nullptr : rows.data();
  c.coefficients_count = rows.size();
}

inline muon_muon_options to_c(const MuonOptions &options) {
  muon_muon_options c = muon_defaults();
  c.lr = options.lr;
  c.momentum = options.momentum;
  c.weight_decay = options.weight_decay;
  c.eps = options.eps;
  c.nesterov = options.nesterov;
  c.momentum_style = static_cast<muon_momentum_style>(options.momentum_style);
  c.shape_scale = static_cast<muon_shape_scale>(options.shape_scale);
  c.backend = static_cast<muon_backend>(options.backend);
  c.backend_steps = options.backend_steps;
  c.precision = static_cast<muon_precision>(options.precision);
  c.method = static_cast<muon_newton_schulz_method>(options.method);
  set_coefficients(c, options.coefficients);
  return c;
}

inline muon_adamw_options to_c(const AdamWOptions &options) {
  muon_adamw_options c = adamw_defaults();
  c.lr = options.lr;
  c.beta1 = options.beta1;
  c.beta2 = options.beta2;
  c.eps = options.eps;
  c.weight_decay = options.weight_decay;
  return c;
}

inline muon_orthogonalize_options to_c(const OrthogonalizeOptions &options) {
  muon_orthogonalize_options c = orthogonalize_defaults();
  c.backend = static_cast<muon_backend>(options.backend);
  c.backend_steps = options.backend_steps;
  c.eps = options.eps;
  c.precision = static_cast<muon_precision>(options.precision);
  c.method = static_cast<muon_newton_schulz_method>(options.method);
  set_coefficients(c, options.coefficients);
  return c;
}

// And back. The rows of a custom backend are asked for apart.

inline MuonOptions from_c(const muon_muon_options &c) {
  MuonOptions options;
  options.lr = c.lr;
  options.momentum = c.momentum;
  options.weight_decay = c.weight_decay;
  options.eps = c.eps;
  options.nesterov = c.nesterov != 0;
  options.momentum_style = static_cast<MomentumStyle>(c.momentum_style);
  options.shape_scale = static_cast<ShapeScale>(c.shape_scale);
  options.backend = static_cast<Backend>(c.backend);
  options.backend_steps = c.backend_steps;
  options.precision = static_cast<Precision>(c.precision);
  options.method = static_cast<NewtonSchulzMethod>(c.method);
  return options;
}

inline AdamWOptions from_c(const muon_adamw_options &c) {
  AdamWOptions options;
  options.lr = c.lr;
  options.beta1 = c.beta1;
  options.beta2 = c.beta2;
  options.eps = c.eps;
  options.weight_decay = c.weight_decay;
  return options;
}

}  // namespace detail
}  // namespace muon

#endif  // MUON_OPTIONS_HPP
