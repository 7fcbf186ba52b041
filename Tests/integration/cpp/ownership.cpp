// Who owns what: moves, handles in and out, and the order of destruction.
#include "check.hpp"

#include <utility>
#include <vector>

namespace {

void test_moves() {
  std::vector<float> w(4), grad{1, 0, 0, 1};
  muon::Muon first({{"w", {2, 2}, w, grad}});
  muon_optimizer *const handle = first.handle();
  muon::Muon second(std::move(first));
  CHECK(second.handle() == handle && first.handle() == nullptr);
  CHECK_THROWS(first.step(), invalid_argument, "NULL");
  CHECK_THROWS(first.options(), invalid_argument, "NULL");
  CHECK_THROWS(muon::Scheduler(muon::Schedule::cosine(10), first), invalid_argument, "NULL");
  second.step();

  first = muon::Muon();  // can be assigned to
  first.step();
  first = std::move(second);  // destroys what it had
  CHECK(first.handle() == handle && first.param_count() == 1);

  muon::Schedule schedule = muon::Schedule::cosine(10);
  muon::Scheduler scheduler(schedule, first);
  const muon::Schedule kept = std::move(schedule);
  CHECK_THROWS(schedule.rate(1, 0), invalid_argument, "NULL");
  CHECK_THROWS(muon::Schedule::chained({schedule}), invalid_argument, "NULL");
  muon::Scheduler moved = std::move(scheduler);
  CHECK_THROWS(scheduler.step(), invalid_argument, "NULL");
  CHECK_THROWS(scheduler.last_lr(), invalid_argument, "NULL");

  // The scheduler follows its optimizer, wherever that is moved to.
  std::vector<muon::Optimizer> all;
  all.push_back(std::move(first));
  moved.set_step(10);
  CHECK(near(all[0].lr(), 0));
}

void test_handles() {
  muon::AdamW owner;
  muon_optimizer *const handle = owner.release();
  CHECK(owner.handle() == nullptr);
  muon_schedule *schedule;
  muon_scheduler *scheduler;
  {
    muon::Optimizer adopted(handle);
    CHECK(adopted.kind() == muon::OptimizerKind::adamw);
    const muon::Schedule again(muon::Schedule::constant(0.5, 1).release());
    CHECK(again.rate(1, 0) == 0.5);
    const muon::Scheduler driving(muon::Scheduler(again, adopted).release());
    CHECK(driving.current_step() == 0);
    schedule = again.handle();
    scheduler = driving.handle();
  }
  // They were destroyed with their owners; another one only finds that out.
  CHECK_THROWS(muon::Optimizer(handle).kind(), invalid_handle, "");
  CHECK_THROWS(muon::Schedule(schedule).rate(1, 0), invalid_handle, "");
  CHECK_THROWS(muon::Scheduler(scheduler).step(), invalid_handle, "");
}

void test_kinds() {
  muon::Optimizer any = muon::Muon();
  CHECK_THROWS(muon::AdamW(std::move(any)), invalid_handle, "expected an AdamW");
  CHECK(any.kind() == muon::OptimizerKind::muon);  // still there
  const muon::Muon muon(std::move(any));
  CHECK(muon.coefficients().size() == 5 && any.handle() == nullptr);
  muon::Optimizer other = muon::AdamW();
  CHECK_THROWS(muon::Muon(std::move(other)), invalid_handle, "expected a Muon");
  CHECK(muon::AdamW(std::move(other)).options().beta1 == 0.9);
}

/// Optimizers before their scheduler, a schedule before its scheduler, both before the optimizers.
void test_order_of_destruction() {
  std::vector<muon::Scheduler> schedulers;
  {
    muon::AdamW adamw;
    schedulers.emplace_back(muon::Schedule::linear(1, 0.5, 4), adamw);
    schedulers[0].step();
  }
  schedulers[0].step();
  CHECK(schedulers[0].current_step() == 2);
  schedulers.clear();

  muon::AdamW adamw;
  { muon::Scheduler scheduler(muon::Schedule::linear(1, 0.5, 4), adamw); }
  adamw.step();
}

}  // namespace

void test_ownership() {
  test_moves();
  test_handles();
  test_kinds();
  test_order_of_destruction();
}
