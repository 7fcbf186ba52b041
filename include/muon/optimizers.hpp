/// The two optimizers. muon.h has their formulas.
#ifndef MUON_OPTIMIZERS_HPP
#define MUON_OPTIMIZERS_HPP

#include <muon/optimizer.hpp>

#include <cstdint>
#include <vector>

namespace muon {
namespace detail {

/// An optimizer, if it is of that kind; what is of another kind stays where it is.
inline muon_optimizer *release_as(OptimizerKind kind, Optimizer &optimizer) {
  if (optimizer.kind() != kind)
    throw Error(Status::invalid_handle, kind == OptimizerKind::muon
                                            ? "expected a Muon, the optimizer is an AdamW"
                                            : "expected an AdamW, the optimizer is a Muon");
  return optimizer.release();
}

}  // namespace detail

/// Muon, for matrices: parameters with 2 dimensions.
class Muon : public Optimizer {
 public:
  /// Without parameters. The options are those of group 0.
  explicit Muon(const MuonOptions &options = {}) : Optimizer(create(options)) {}

  /// With the parameters in group 0.
  explicit Muon(const std::vector<Parameter> &params, const MuonOptions &options = {})
      : Muon(options) {
    for (const Parameter &param : params) add_param(param);
  }

  /// Takes over an Optimizer that is a Muon, for instance from build_optimizers. Error:
  /// Status::invalid_handle if it is not, and then it stays where it is.
  explicit Muon(Optimizer &&optimizer)
      : Optimizer(detail::release_as(OptimizerKind::muon, optimizer)) {}

  /// Adds a group with options of its own, and parameters to it: all, or nothing. Returns the
  /// number of the group.
  std::int64_t add_group(const MuonOptions &options, const std::vector<Parameter> &params = {}) {
    const muon_muon_options c = options.to_c();
    const detail::ParameterList list(params);
    return detail::result_of<std::int64_t>(muon_optimizer_add_muon_group, handle(), &c, list.data(),
                                           list.size());
  }

  /// The options of a group, with the rows of Backend::custom.
  MuonOptions options(std::int64_t group = 0) const {
    MuonOptions options;
    detail::check(muon_optimizer_get_muon_options(handle(), group, &options));
    // Their number without the rows, which are another call's.
    options.coefficients_count = 0;
    if (options.backend == MUON_BACKEND_CUSTOM) options.set_coefficients(coefficients(group));
    return options;
  }
  /// They take effect with the next step. Backend::custom without coefficients keeps the ones that
  /// the group has.
  void set_options(std::int64_t group, const MuonOptions &options) {
    const muon_muon_options c = options.to_c();
    detail::check(muon_optimizer_set_muon_options(handle(), group, &c));
  }

  /// The coefficients of a group, a row a step: those in use, or with Backend::custom all that you
  /// gave.
  std::vector<Coefficients> coefficients(std::int64_t group = 0) const {
    return detail::results_of<Coefficients>(muon_optimizer_get_coefficients, handle(), group);
  }

 private:
  static muon_optimizer *create(const MuonOptions &options) {
    const muon_muon_options c = options.to_c();
    return detail::result_of<muon_optimizer *>(muon_optimizer_create_muon, &c);
  }
};

/// AdamW, as torch.optim.AdamW computes it, for parameters of any shape.
class AdamW : public Optimizer {
 public:
  /// Without parameters. The options are those of group 0.
  explicit AdamW(const AdamWOptions &options = {}) : Optimizer(create(options)) {}

  /// With the parameters in group 0.
  explicit AdamW(const std::vector<Parameter> &params, const AdamWOptions &options = {})
      : AdamW(options) {
    for (const Parameter &param : params) add_param(param);
  }

  /// Takes over an Optimizer that is an AdamW, for instance from build_optimizers. Error:
  /// Status::invalid_handle if it is not, and then it stays where it is.
  explicit AdamW(Optimizer &&optimizer)
      : Optimizer(detail::release_as(OptimizerKind::adamw, optimizer)) {}

  /// Adds a group with options of its own, and parameters to it: all, or nothing. Returns the
  /// number of the group.
  std::int64_t add_group(const AdamWOptions &options, const std::vector<Parameter> &params = {}) {
    const muon_adamw_options c = options.to_c();
    const detail::ParameterList list(params);
    return detail::result_of<std::int64_t>(muon_optimizer_add_adamw_group, handle(), &c, list.data(),
                                           list.size());
  }

  AdamWOptions options(std::int64_t group = 0) const {
    AdamWOptions options;
    detail::check(muon_optimizer_get_adamw_options(handle(), group, &options));
    return options;
  }
  /// They take effect with the next step.
  void set_options(std::int64_t group, const AdamWOptions &options) {
    const muon_adamw_options c = options.to_c();
    detail::check(muon_optimizer_set_adamw_options(handle(), group, &c));
  }

 private:
  static muon_optimizer *create(const AdamWOptions &options) {
    const muon_adamw_options c = options.to_c();
    return detail::result_of<muon_optimizer *>(muon_optimizer_create_adamw, &c);
  }
};

}  // namespace muon

#endif  // MUON_OPTIMIZERS_HPP
