/// What applies a schedule to optimizers.
#ifndef MUON_SCHEDULER_HPP
#define MUON_SCHEDULER_HPP

#include <muon/optimizer_list.hpp>
#include <muon/schedule.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace muon {

/// Sets the learning rates of all groups of all its optimizers: Scheduler(schedule, {muon, adamw}).
///
/// It moves and does not copy. One that was moved from can be assigned to and destroyed; any other
/// use is an Error. Its optimizers may be moved, and may be destroyed before it.
class Scheduler {
 public:
  /// Sets the rates of step 0 at once. 1 to 256 optimizers, none of them twice: else
  /// Status::invalid_argument.
  Scheduler(const Schedule &schedule, const OptimizerList &optimizers)
      : Scheduler(detail::result_of<muon_scheduler *>(
            muon_scheduler_create, schedule.handle(), optimizers.handles().data(),
            optimizers.handles().size())) {}

  /// The same for "momentum" (of Muons), "weight_decay" or "lr": the schedule gives values of that
  /// option in place of rates. See muon_scheduler_create_for_option.
  Scheduler(const Schedule &schedule, const std::string &option, const OptimizerList &optimizers)
      : Scheduler(detail::result_of<muon_scheduler *>(
            muon_scheduler_create_for_option, schedule.handle(), detail::to_c_text(option, "option"),
            optimizers.handles().data(), optimizers.handles().size())) {}

  /// Takes over a handle of muon.h.
  explicit Scheduler(muon_scheduler *handle) noexcept : handle_(handle) {}

  /// Goes to the next step and sets its rates: call it after the optimizers' step().
  void step() { detail::check(muon_scheduler_step(handle())); }

  /// The step it is at, from 0: all the state it has.
  std::int64_t current_step() const {
    return detail::result_of<std::int64_t>(muon_scheduler_get_step, handle());
  }
  /// Goes to a step (>= 0) and sets its rates.
  void set_step(std::int64_t step) { detail::check(muon_scheduler_set_step(handle(), step)); }

  /// The rates last set, one a group, optimizer by optimizer.
  std::vector<double> last_lr() const {
    return detail::results_of<double>(muon_scheduler_get_last_lr, handle());
  }

  /// The handle for functions of muon.h; NULL after a move. It stays this object's.
  muon_scheduler *handle() const noexcept { return handle_.get(); }
  /// Hands the handle over: you destroy it.
  muon_scheduler *release() noexcept { return handle_.release(); }

 private:
  std::unique_ptr<muon_scheduler, detail::Destroy<muon_scheduler_destroy>> handle_;
};

/// Schedulers as an argument: {warmup, cosine}, one alone, what build_schedulers made, or {}.
class SchedulerList {
 public:
  SchedulerList(Scheduler &scheduler) : handles_{scheduler.handle()} {}
  SchedulerList(std::initializer_list<std::reference_wrapper<Scheduler>> schedulers) {
    for (const Scheduler &scheduler : schedulers) handles_.push_back(scheduler.handle());
  }
  SchedulerList(std::vector<Scheduler> &schedulers) {
    for (const Scheduler &scheduler : schedulers) handles_.push_back(scheduler.handle());
  }

  const std::vector<muon_scheduler *> &handles() const noexcept { return handles_; }

 private:
  std::vector<muon_scheduler *> handles_;
};

}  // namespace muon

#endif  // MUON_SCHEDULER_HPP
