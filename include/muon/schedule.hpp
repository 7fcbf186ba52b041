/// Learning-rate schedules.
#ifndef MUON_SCHEDULE_HPP
#define MUON_SCHEDULE_HPP

#include <muon/error.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

namespace muon {

class ScheduleList;

/// The learning rate as a function of a base rate and of the step, numbered from 0: the numbers of
/// torch.optim.lr_scheduler. Steps and lengths are >= 0, or >= 1 where it says so, and at most
/// 2^53. What is out of range is Status::invalid_argument.
///
/// It moves and does not copy. What is made from it keeps a copy. One that was moved from can be
/// assigned to and destroyed; any other use is an Error.
class Schedule {
 public:
  /// Takes over a handle of muon.h.
  explicit Schedule(muon_schedule *handle) noexcept : handle_(handle) {}

  /// Factor start_factor (> 0, <= 1) at step 0, in a straight line to end_factor (0 to 1) at step
  /// total_iters (>= 1), then constant.
  static Schedule linear(double start_factor, double end_factor, std::int64_t total_iters) {
    return make(muon_schedule_create_linear, start_factor, end_factor, total_iters);
  }

  /// Factor (0 to 1) until step total_iters (>= 1), then 1.
  static Schedule constant(double factor, std::int64_t total_iters) {
    return make(muon_schedule_create_constant, factor, total_iters);
  }

  /// eta_min + (base - eta_min)(1 + cos(pi step/t_max))/2, t_max >= 1: it rises again after t_max.
  /// eta_min is a rate, not a factor.
  static Schedule cosine(std::int64_t t_max, double eta_min = 0) {
    return make(muon_schedule_create_cosine, t_max, eta_min);
  }

  /// Warmup, stable, decay: from start_factor (0 to 1) in a straight line to 1 at warmup_steps, 1
  /// until total_steps - decay_steps, in a straight line to end_factor (0 to 1) at total_steps
  /// (>= 1), then constant. warmup_steps + decay_steps <= total_steps.
  static Schedule trapezoid(std::int64_t warmup_steps, std::int64_t decay_steps,
                            std::int64_t total_steps, double start_factor, double end_factor) {
    return make(muon_schedule_create_trapezoid, warmup_steps, decay_steps, total_steps,
                start_factor, end_factor);
  }

  /// The first schedule until milestones[0], the second until milestones[1], and so on. Each begins
  /// at its own step 0. One milestone fewer than schedules; they increase, the first >= 1.
  static Schedule sequential(const ScheduleList &schedules,
                             const std::vector<std::int64_t> &milestones);

  /// All at once, each applied to what the ones before it gave, as torch's ChainedScheduler. A
  /// factor that rises from 0 cannot be chained. Evaluated step by step, up to step 10^8.
  static Schedule chained(const ScheduleList &schedules);

  /// The rate at a step. base_lr is finite and >= 0.
  double rate(double base_lr, std::int64_t step) const {
    return detail::result_of<double>(muon_schedule_get_rate, handle(), base_lr, step);
  }

  /// The handle for functions of muon.h; NULL after a move. It stays this object's.
  muon_schedule *handle() const noexcept { return handle_.get(); }
  /// Hands the handle over: you destroy it.
  muon_schedule *release() noexcept { return handle_.release(); }

 private:
  template <class Function, class... Arguments>
  static Schedule make(Function create, Arguments... arguments) {
    return Schedule(detail::result_of<muon_schedule *>(create, arguments...));
  }

  std::unique_ptr<muon_schedule, detail::Destroy<muon_schedule_destroy>> handle_;
};

/// Schedules as an argument: {Schedule::linear(...), cosine}, or a vector of them.
class ScheduleList {
 public:
  /// One of a list in braces, which may be a temporary.
  class Item {
   public:
    Item(const Schedule &schedule) noexcept : handle(schedule.handle()) {}
    const muon_schedule *handle;
  };

  ScheduleList(std::initializer_list<Item> schedules) {
    for (const Item &schedule : schedules) handles_.push_back(schedule.handle);
  }
  ScheduleList(const std::vector<Schedule> &schedules) {
    for (const Schedule &schedule : schedules) handles_.push_back(schedule.handle());
  }

  const std::vector<const muon_schedule *> &handles() const noexcept { return handles_; }

 private:
  std::vector<const muon_schedule *> handles_;
};

inline Schedule Schedule::sequential(const ScheduleList &schedules,
                                     const std::vector<std::int64_t> &milestones) {
  const auto &handles = schedules.handles();
  return make(muon_schedule_create_sequential, handles.data(), handles.size(), milestones.data(),
              milestones.size());
}

inline Schedule Schedule::chained(const ScheduleList &schedules) {
  const auto &handles = schedules.handles();
  return make(muon_schedule_create_chained, handles.data(), handles.size());
}

}  // namespace muon

#endif  // MUON_SCHEDULE_HPP
