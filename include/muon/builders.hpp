/// Optimizers and schedulers from one configuration: JSON text, whose keys are listed in muon.h.
/// A configuration that cannot be used is Status::config, and the text has the path in it.
#ifndef MUON_BUILDERS_HPP
#define MUON_BUILDERS_HPP

#include <muon/optimizer.hpp>
#include <muon/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muon {

/// Where a parameter goes, and why: text(route.reason) says it in words.
struct Route {
  OptimizerKind optimizer;
  RouteReason reason;
};

/// Where build_optimizers sends each parameter. Only its dtype, requires_grad, number of dimensions, whether it
/// has a view, and, where there are rules, its name are read.
inline std::vector<Route> route_params(const std::string &config,
                                       const std::vector<Parameter> &params) {
  const detail::ParameterList list(params);
  const std::vector<muon_route> found = detail::results_of<muon_route>(
      muon_config_route_params, detail::to_c_text(config, "config"), list.data(), list.size());
  std::vector<Route> routes;
  routes.reserve(found.size());
  for (const muon_route &route : found)
    routes.push_back({static_cast<OptimizerKind>(route.optimizer),
                      static_cast<RouteReason>(route.reason)});
  return routes;
}

/// The number of the rule that each parameter follows, from 0, or -1.
inline std::vector<std::int64_t> match_rules(const std::string &config,
                                             const std::vector<Parameter> &params) {
  const detail::ParameterList list(params);
  return detail::results_of<std::int64_t>(muon_config_match_rules,
                                          detail::to_c_text(config, "config"), list.data(),
                                          list.size());
}

/// Makes the optimizers the configuration asks for: a Muon, an AdamW, or both in that order. An
/// optimizer that would have no parameters is not made. Parameters with the same options are one group; groups
/// are in the order of their first parameters, and in each parameters keep their order.
inline std::vector<Optimizer> build_optimizers(const std::string &config,
                                               const std::vector<Parameter> &params) {
  const detail::ParameterList list(params);
  const char *const text = detail::to_c_text(config, "config");
  std::size_t count = 0;
  detail::check(
      muon_config_build_optimizers(text, list.data(), list.size(), nullptr, 0, &count));
  std::vector<muon_optimizer *> handles(count);
  std::vector<Optimizer> optimizers;
  optimizers.reserve(count);  // before there is something to lose
  detail::check(muon_config_build_optimizers(text, list.data(), list.size(), handles.data(),
                                             handles.size(), &count));
  for (muon_optimizer *handle : handles) optimizers.emplace_back(handle);
  return optimizers;
}

/// Makes one scheduler for each optimizer, then those of momenta and weight decays that the configuration has,
/// over n_epochs * batches_per_epoch (>= 1) steps.
inline std::vector<Scheduler> build_schedulers(const std::string &config,
                                               const OptimizerList &optimizers,
                                               std::int64_t batches_per_epoch) {
  const std::vector<muon_optimizer *> &driven = optimizers.handles();
  const char *const text = detail::to_c_text(config, "config");
  std::size_t count = 0;
  detail::check(muon_config_build_schedulers(text, driven.data(), driven.size(),
                                             batches_per_epoch, nullptr, 0, &count));
  std::vector<muon_scheduler *> handles(count);
  std::vector<Scheduler> schedulers;
  schedulers.reserve(count);
  detail::check(muon_config_build_schedulers(text, driven.data(), driven.size(),
                                             batches_per_epoch, handles.data(), handles.size(),
                                             &count));
  for (muon_scheduler *handle : handles) schedulers.emplace_back(handle);
  return schedulers;
}

}  // namespace muon

#endif  // MUON_BUILDERS_HPP
