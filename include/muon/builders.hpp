/// Optimizers and schedulers from one configuration: JSON text, whose keys are listed in muon.h.
/// A configuration that cannot be used is Status::config, and the text has the path in it.
#ifndef MUON_BUILDERS_HPP
#define MUON_BUILDERS_HPP

#include <muon/optimizer.hpp>
#include <muon/scheduler.hpp>

#include <array>
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

/// Where build_optimizers sends each parameter. Only its dtype, requires_grad and number of
/// dimensions are read.
inline std::vector<Route> route_params(const std::string &config,
                                       const std::vector<Parameter> &params) {
  const std::vector<muon_param> list = detail::to_c(params);
  std::vector<muon_route> found(params.size());
  detail::check(muon_config_route_params(detail::to_c_text(config, "config"), list.data(), list.size(), found.data()));
  std::vector<Route> routes;
  routes.reserve(found.size());
  for (const muon_route &route : found)
    routes.push_back({static_cast<OptimizerKind>(route.optimizer),
                      static_cast<RouteReason>(route.reason)});
  return routes;
}

/// Makes the optimizers the configuration asks for: a Muon, an AdamW, or both in that order. A side
/// without parameters is not made. In each, parameters keep their order.
inline std::vector<Optimizer> build_optimizers(const std::string &config,
                                               const std::vector<Parameter> &params) {
  const std::vector<muon_param> list = detail::to_c(params);
  std::array<muon_optimizer *, 2> handles{};
  std::size_t count = 0;
  std::vector<Optimizer> optimizers;
  optimizers.reserve(handles.size());  // before there is something to lose
  detail::check(muon_config_build_optimizers(detail::to_c_text(config, "config"), list.data(), list.size(),
                                      handles.data(), &count));
  for (std::size_t i = 0; i < count; i++) optimizers.emplace_back(handles[i]);
  return optimizers;
}

/// Makes one scheduler for each optimizer, over n_epochs * batches_per_epoch (>= 1) steps.
inline std::vector<Scheduler> build_schedulers(const std::string &config,
                                               const OptimizerList &optimizers,
                                               std::int64_t batches_per_epoch) {
  const std::vector<muon_optimizer *> &driven = optimizers.handles();
  std::vector<muon_scheduler *> handles(driven.size());
  std::vector<Scheduler> schedulers;
  schedulers.reserve(handles.size());
  detail::check(muon_config_build_schedulers(detail::to_c_text(config, "config"), driven.data(), driven.size(),
                                      batches_per_epoch, handles.data()));
  for (muon_scheduler *handle : handles) schedulers.emplace_back(handle);
  return schedulers;
}

}  // namespace muon

#endif  // MUON_BUILDERS_HPP
