/// What every optimizer can do.
#ifndef MUON_OPTIMIZER_HPP
#define MUON_OPTIMIZER_HPP

#include <muon/exchange.hpp>
#include <muon/parameter.hpp>
#include <muon/statistics.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace muon {

/// Owns an optimizer: a Muon or an AdamW, as the builders make them.
///
/// It moves and does not copy. One that was moved from can be assigned to and destroyed; any other
/// use is an Error. Destroying it frees its state, but not the buffers you bound, which must stay
/// valid until then. Groups count from 0 in the order they were added, and so do parameters, over
/// all groups. A number that does not exist is Status::invalid_argument.
class Optimizer {
 public:
  /// Takes over a handle of muon.h.
  explicit Optimizer(muon_optimizer *handle) noexcept : handle_(handle) {}

  OptimizerKind kind() const {
    return static_cast<OptimizerKind>(
        detail::result_of<muon_optimizer_kind>(muon_optimizer_get_kind, handle()));
  }
  std::size_t group_count() const {
    return detail::result_of<std::size_t>(muon_optimizer_get_group_count, handle());
  }
  std::size_t param_count() const {
    return detail::result_of<std::size_t>(muon_optimizer_get_param_count, handle());
  }

  /// Adds a parameter to a group, and returns its number. Error: Status::shape for a count that
  /// does not fit, or a parameter of a Muon that is no matrix; Status::invalid_argument for a
  /// buffer that overlaps another (gradients may overlap gradients).
  std::int64_t add_param(const Parameter &param, std::int64_t group = 0) {
    const detail::ParameterList c(param);
    return detail::result_of<std::int64_t>(muon_optimizer_add_param, handle(), group, c.data());
  }

  /// The number of the first parameter with this name. Error: Status::invalid_argument if there is
  /// none.
  std::int64_t find_param(const std::string &name) const {
    return detail::result_of<std::int64_t>(muon_optimizer_find_param, handle(),
                                           detail::to_c_text(name, "name"));
  }
  std::string param_name(std::int64_t param) const {
    const std::vector<char> text =
        detail::results_of<char>(muon_optimizer_get_param_name, handle(), param);
    return text.data();
  }
  /// The group that a parameter was added to.
  std::int64_t param_group(std::int64_t param) const {
    return detail::result_of<std::int64_t>(muon_optimizer_get_param_group, handle(), param);
  }

  /// Binds other memory of yours to a buffer of a parameter; what is in it counts from now on.
  /// Without memory there is no gradient from now on, and a state buffer goes on in memory of the
  /// library's own, with the present values.
  void bind(std::int64_t param, const std::string &buffer, Numbers memory) {
    if (!memory.empty()) memory.require(buffer_dtype(param, buffer), buffer.c_str());
    detail::check(muon_optimizer_bind_buffer(handle(), param, detail::to_c_text(buffer, "buffer"),
                                             memory.data(), memory.size()));
  }

  /// One optimization step of every parameter that has a gradient. Error:
  /// Status::nonfinite_gradient, as the policy says.
  void step() { detail::check(muon_optimizer_step(handle())); }

  /// One optimization step of one parameter, with a gradient that is only read, and only during the
  /// call. Policies hold for it alone. Error: as step(); Status::shape for another count.
  void step_param(std::int64_t param, ConstNumbers grad) {
    grad.require(buffer_dtype(param, "grad"), "the gradient");
    detail::check(muon_optimizer_step_param(handle(), param, grad.data(), grad.size()));
  }

  /// Writes zeros into every bound gradient.
  void zero_grad() { detail::check(muon_optimizer_zero_grad(handle())); }

  /// The learning rate of a group; finite, >= 0.
  double lr(std::int64_t group = 0) const {
    return detail::result_of<double>(muon_optimizer_get_lr, handle(), group);
  }
  void set_lr(std::int64_t group, double lr) {
    detail::check(muon_optimizer_set_lr(handle(), group, lr));
  }

  /// The rate that schedules multiply: the group's when its first scheduler was made, or what was
  /// set here. NaN: none yet.
  double initial_lr(std::int64_t group = 0) const {
    return detail::result_of<double>(muon_optimizer_get_initial_lr, handle(), group);
  }
  void set_initial_lr(std::int64_t group, double lr) {
    detail::check(muon_optimizer_set_initial_lr(handle(), group, lr));
  }
  /// What schedules of an option multiply: "lr", "momentum" or "weight_decay". NaN: there is none yet.
  double initial_value(const std::string &option, std::int64_t group = 0) const {
    return detail::result_of<double>(muon_optimizer_get_initial_value, handle(), group,
                                     detail::to_c_text(option, "option"));
  }
  void set_initial_value(std::int64_t group, const std::string &option, double value) {
    detail::check(muon_optimizer_set_initial_value(handle(), group,
                                                   detail::to_c_text(option, "option"), value));
  }

  /// What the next step multiplies gradients by; 1 again after it. Finite, >= 0.
  double grad_scale() const {
    return detail::result_of<double>(muon_optimizer_get_grad_scale, handle());
  }
  void set_grad_scale(double scale) {
    detail::check(muon_optimizer_set_grad_scale(handle(), scale));
  }

  NonFinitePolicy nonfinite_policy() const {
    return static_cast<NonFinitePolicy>(detail::result_of<muon_nonfinite_policy>(
        muon_optimizer_get_nonfinite_policy, handle()));
  }
  void set_nonfinite_policy(NonFinitePolicy policy) {
    detail::check(muon_optimizer_set_nonfinite_policy(
        handle(), static_cast<muon_nonfinite_policy>(policy)));
  }
  /// Steps that NonFinitePolicy::skip left out.
  std::int64_t skipped_steps() const {
    return detail::result_of<std::int64_t>(muon_optimizer_get_skipped_steps, handle());
  }

  /// From now on the ranks of an exchange train together: muon.h says how. All ranks make this call. It
  /// must stay valid until another one is set, or the optimizer destroyed; NULL: this process trains
  /// alone. Error: Status::exchange, and then the optimizer keeps the one that it had.
  void set_exchange(Exchange *exchange) {
    if (exchange == nullptr) return detail::check(muon_optimizer_set_exchange(handle(), nullptr));
    const muon_exchange c = exchange->c();
    detail::check(muon_optimizer_set_exchange(handle(), &c));
  }
  /// The rank that works out the steps of a parameter; -1 where there is no one rank.
  std::int32_t owner(std::int64_t param) const {
    return detail::result_of<std::int32_t>(muon_optimizer_get_owner, handle(), param);
  }

  /// The bytes that steps use beside parameters, gradients and state: 0 before the first step.
  std::size_t scratch_bytes() const {
    return detail::result_of<std::size_t>(muon_optimizer_get_scratch_bytes, handle());
  }

  /// What steps measure, from the next one on. It changes no result.
  StatisticsLevel statistics_level() const {
    return static_cast<StatisticsLevel>(
        detail::result_of<muon_statistics_level>(muon_optimizer_get_statistics_level, handle()));
  }
  void set_statistics_level(StatisticsLevel level) {
    detail::check(muon_optimizer_set_statistics_level(handle(), static_cast<muon_statistics_level>(level)));
  }
  /// The latest measured step of a parameter. A step that fails or is skipped, or in which the
  /// parameter has no gradient, leaves it as it is.
  ParameterStatistics statistics(std::int64_t param) const {
    muon_param_statistics c = detail::statistics_defaults();
    detail::check(muon_optimizer_get_param_statistics(handle(), param, &c));
    return detail::from_c(c);
  }

  // State, for saving and resuming. A buffer is "data", "grad", or one of the state, by its name. One
  // that the optimizer does not have, such as the "momentum" of an AdamW, or a gradient that is not
  // bound, is Status::invalid_argument.

  /// The names of the state buffers of a parameter.
  std::vector<std::string> state_buffers(std::int64_t param) const {
    const std::vector<const char *> names =
        detail::results_of<const char *>(muon_optimizer_get_state_buffers, handle(), param);
    return {names.begin(), names.end()};
  }
  /// The state that the optimizer would keep for a parameter in a group, which need not be added. Of
  /// the parameter only name, dtype and shape count.
  std::vector<muon_state_layout> state_layout(std::int64_t group, const Parameter &param) const {
    const detail::ParameterList c(param);
    return detail::results_of<muon_state_layout>(muon_optimizer_get_state_layout, handle(), group,
                                                 c.data());
  }
  /// About how many floating-point operations a step takes to orthogonalize a parameter in a group, which
  /// need not be added; 0 for an AdamW.
  std::int64_t cost(std::int64_t group, const Parameter &param) const {
    const detail::ParameterList c(param);
    return detail::result_of<std::int64_t>(muon_optimizer_get_cost, handle(), group, c.data());
  }
  /// The bytes of the state of all parameters.
  std::size_t state_bytes() const {
    return detail::result_of<std::size_t>(muon_optimizer_get_state_bytes, handle());
  }

  /// The extents of a buffer, and its element type.
  std::vector<std::int64_t> buffer_shape(std::int64_t param, const std::string &buffer) const {
    return detail::results_of<std::int64_t>(muon_optimizer_get_buffer_shape, handle(), param,
                                            detail::to_c_text(buffer, "buffer"));
  }
  DType buffer_dtype(std::int64_t param, const std::string &buffer) const {
    return static_cast<DType>(detail::result_of<muon_dtype>(
        muon_optimizer_get_buffer_dtype, handle(), param, detail::to_c_text(buffer, "buffer")));
  }
  /// The number of elements of a buffer.
  std::size_t buffer_count(std::int64_t param, const std::string &buffer) const {
    return get_buffer(param, buffer, {});
  }
  /// Copies as much of a buffer as out has room for, and returns the number of its elements.
  std::size_t get_buffer(std::int64_t param, const std::string &buffer, Span<float> out) const {
    std::size_t count = 0;
    detail::check(muon_optimizer_get_buffer(handle(), param, detail::to_c_text(buffer, "buffer"),
                                            out.data(), out.size(), &count));
    return count;
  }
  std::vector<float> buffer(std::int64_t param, const std::string &buffer) const {
    return detail::results_of<float>(muon_optimizer_get_buffer, handle(), param,
                                     detail::to_c_text(buffer, "buffer"));
  }
  void set_buffer(std::int64_t param, const std::string &buffer, Span<const float> values) {
    detail::check(muon_optimizer_set_buffer(handle(), param, detail::to_c_text(buffer, "buffer"),
                                            values.data(), values.size()));
  }

  /// The number of steps a parameter has made; >= 0.
  std::int64_t param_steps(std::int64_t param) const {
    return detail::result_of<std::int64_t>(muon_optimizer_get_param_steps, handle(), param);
  }
  void set_param_steps(std::int64_t param, std::int64_t steps) {
    detail::check(muon_optimizer_set_param_steps(handle(), param, steps));
  }

  /// The handle for functions of muon.h; NULL after a move. It stays this object's.
  muon_optimizer *handle() const noexcept { return handle_.get(); }
  /// Hands the handle over: you destroy it.
  muon_optimizer *release() noexcept { return handle_.release(); }

 private:
  std::unique_ptr<muon_optimizer, detail::Destroy<muon_optimizer_destroy>> handle_;
};

}  // namespace muon

#endif  // MUON_OPTIMIZER_HPP
