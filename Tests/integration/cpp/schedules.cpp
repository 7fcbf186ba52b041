// Schedules against their formulas, schedulers, errors.
#include "check.hpp"

#include <utility>
#include <vector>

namespace {

using muon::Schedule;

void test_rates() {
  const double pi = std::acos(-1.0);
  const Schedule linear = Schedule::linear(0.5, 1, 4);
  CHECK(near(linear.rate(2, 0), 1, 1e-15) && near(linear.rate(2, 1), 1.25, 1e-15));
  CHECK(near(linear.rate(2, 9), 2, 1e-15));
  const Schedule constant = Schedule::constant(0.25, 3);
  CHECK(constant.rate(2, 2) == 0.5 && constant.rate(2, 3) == 2);
  const Schedule cosine = Schedule::cosine(8, 0.5);
  CHECK(near(cosine.rate(2, 3), 0.5 + 1.5 * (1 + std::cos(pi * 3 / 8)) / 2, 1e-12));
  CHECK(near(Schedule::cosine(8).rate(2, 8), 0, 1e-12));
  const Schedule trapezoid = Schedule::trapezoid(4, 5, 20, 0.5, 0.25);
  CHECK(near(trapezoid.rate(2, 2), 1.5, 1e-12) && near(trapezoid.rate(2, 10), 2, 1e-12));
  CHECK(near(trapezoid.rate(2, 16), 2 * (1 - 0.75 / 5), 1e-12));

  const Schedule sequential = Schedule::sequential({linear, Schedule::cosine(8, 0.5)}, {4});
  CHECK(near(sequential.rate(2, 1), 1.25, 1e-12));
  CHECK(near(sequential.rate(2, 7), cosine.rate(2, 3), 1e-12));
  const Schedule chained = Schedule::chained({linear, constant});
  CHECK(near(chained.rate(2, 1), 2 * 0.625 * 0.25, 1e-12));
  std::vector<Schedule> both;
  both.push_back(Schedule::linear(0.5, 1, 4));
  both.push_back(Schedule::constant(0.25, 3));
  CHECK(Schedule::chained(both).rate(2, 1) == chained.rate(2, 1));
}

void test_scheduler() {
  muon::MuonOptions options;
  options.lr = 0.5;
  muon::Muon muon(options);
  options.lr = 0.25;
  muon.add_group(options);
  muon::AdamW adamw;
  muon::Scheduler scheduler(Schedule::linear(0.5, 1, 2), {muon, adamw});
  CHECK(muon.lr() == 0.25 && muon.lr(1) == 0.125 && muon.initial_lr() == 0.5);
  scheduler.step();
  CHECK(scheduler.current_step() == 1 && near(muon.lr(), 0.375));
  scheduler.set_step(2);
  const std::vector<double> rates = scheduler.last_lr();
  CHECK(rates.size() == 3 && rates[0] == 0.5 && rates[1] == 0.25 && near(rates[2], 1e-3));

  std::vector<muon::Optimizer> optimizers;
  optimizers.push_back(std::move(muon));
  optimizers.push_back(std::move(adamw));
  const muon::Scheduler of_all(Schedule::constant(0.5, 1), optimizers);
  CHECK(of_all.last_lr().size() == 3);
}

void test_other_options() {
  muon::Muon muon;
  muon::AdamW adamw(muon::AdamWOptions().set_weight_decay(0.5));
  muon::Scheduler momentum(Schedule::linear(0.5, 1, 2), "momentum", muon);
  muon::Scheduler decay(Schedule::linear(0.5, 1, 2), "weight_decay", {muon, adamw});
  CHECK(near(muon.options().momentum, 0.475) && near(adamw.options().weight_decay, 0.25));
  momentum.step();
  decay.step();
  CHECK(near(muon.options().momentum, 0.7125) && near(adamw.options().weight_decay, 0.375));
  CHECK(muon.lr() == 0.02 && momentum.last_lr().size() == 1);
  CHECK(muon.initial_value("momentum") == 0.95 && adamw.initial_value("weight_decay") == 0.5);
  muon.set_initial_value(0, "momentum", 0.8);
  momentum.set_step(0);
  CHECK(muon.initial_value("momentum") == 0.8 && near(muon.options().momentum, 0.4));
  CHECK_THROWS(muon.initial_value("eps"), invalid_argument, "eps");
}

void test_errors() {
  CHECK_THROWS(Schedule::linear(0, 1, 4), invalid_argument, "0");
  CHECK_THROWS(Schedule::constant(2, 4), invalid_argument, "2");
  CHECK_THROWS(Schedule::cosine(0), invalid_argument, "0");
  CHECK_THROWS(Schedule::trapezoid(4, 5, 8, 0, 0), invalid_argument, "got 5");
  CHECK_THROWS(Schedule::sequential({Schedule::cosine(4)}, {2}), invalid_argument, "");
  CHECK_THROWS(Schedule::chained(std::vector<Schedule>()), invalid_argument, "");
  const Schedule cosine = Schedule::cosine(4);
  CHECK_THROWS(cosine.rate(-1, 0), invalid_argument, "-1");
  muon::AdamW adamw;
  CHECK_THROWS(muon::Scheduler(cosine, {adamw, adamw}), invalid_argument, "");
  CHECK_THROWS(muon::Scheduler(cosine, "momentum", adamw), invalid_argument, "momentum");
  muon::Scheduler scheduler(cosine, adamw);
  CHECK_THROWS(scheduler.set_step(-1), invalid_argument, "-1");
}

}  // namespace

void test_schedules() {
  test_rates();
  test_scheduler();
  test_other_options();
  test_errors();
}
