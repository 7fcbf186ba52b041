/// Several optimizers that make a step as one.
#ifndef MUON_OPTIMIZER_LIST_HPP
#define MUON_OPTIMIZER_LIST_HPP

#include <muon/optimizer.hpp>

#include <functional>
#include <initializer_list>
#include <vector>

namespace muon {

/// Optimizers as an argument: {muon, adamw}, one alone, or what build_optimizers made. It has their
/// handles: make it anew when one of them was moved from. Making it allocates.
class OptimizerList {
 public:
  OptimizerList(Optimizer &optimizer) : handles_{optimizer.handle()} {}
  OptimizerList(std::initializer_list<std::reference_wrapper<Optimizer>> optimizers) {
    for (const Optimizer &optimizer : optimizers) handles_.push_back(optimizer.handle());
  }
  OptimizerList(std::vector<Optimizer> &optimizers) {
    for (const Optimizer &optimizer : optimizers) handles_.push_back(optimizer.handle());
  }

  const std::vector<muon_optimizer *> &handles() const noexcept { return handles_; }

 private:
  std::vector<muon_optimizer *> handles_;
};

/// Makes a step of all optimizers, or of none: muon::step({muon, adamw}). All gradients of all of them
/// are looked at before anything is written. At most 256 optimizers, none of them twice. Error:
/// Status::nonfinite_gradient, as the policies say; the text begins with the number of the optimizer.
inline void step(const OptimizerList &optimizers) {
  detail::check(muon_optimizers_step(optimizers.handles().data(), optimizers.handles().size()));
}

/// Clips the gradients of the next step, as torch's clip_grad_norm_, without writing them, and returns
/// ||grad_scale * g|| over all of them. See muon_optimizers_clip_grad_norm. grad_scale is finite and >= 0;
/// max_norm is >= 0, and infinity clips nothing.
inline double clip_grad_norm(const OptimizerList &optimizers, double max_norm, double grad_scale = 1) {
  return detail::result_of<double>(muon_optimizers_clip_grad_norm, optimizers.handles().data(),
                                   optimizers.handles().size(), grad_scale, max_norm);
}

/// Writes zeros into every bound gradient of all optimizers.
inline void zero_grad(const OptimizerList &optimizers) {
  detail::check(muon_optimizers_zero_grad(optimizers.handles().data(), optimizers.handles().size()));
}

/// Sets the learning rate of all groups of all optimizers; finite, >= 0.
inline void set_lr(const OptimizerList &optimizers, double lr) {
  detail::check(muon_optimizers_set_lr(optimizers.handles().data(), optimizers.handles().size(), lr));
}

}  // namespace muon

#endif  // MUON_OPTIMIZER_LIST_HPP
