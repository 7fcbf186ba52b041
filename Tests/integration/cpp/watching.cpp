// Statistics and the log.
#include "check.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using muon::LogLevel;
using muon::StatisticsLevel;

void test_statistics_of_muon() {
  std::vector<float> w(4), grad{3, 0, 0, 4};
  muon::MuonOptions options;
  options.lr = 0.5;
  options.weight_decay = 0;
  options.eps = 0;
  options.set_shape_scale(muon::ShapeScale::none);
  options.set_backend(muon::Backend::custom);
  options.set_coefficients({{1.5, -0.5, 0}});
  options.backend_steps = 1;
  muon::Muon muon({{"w", {2, 2}, w, grad}}, options);
  CHECK(muon.statistics_level() == StatisticsLevel::none);
  muon.step();
  CHECK(muon.statistics(0).step == 0 && std::isnan(muon.statistics(0).grad_norm));

  muon.set_statistics_level(StatisticsLevel::basic);
  CHECK(muon.statistics_level() == StatisticsLevel::basic);
  muon.step();
  // By hand: singular values 0.6 and 0.8 of the gradient over its norm become x and y.
  const double x = 1.5 * 0.6 - 0.5 * 0.216, y = 1.5 * 0.8 - 0.5 * 0.512;
  muon::ParameterStatistics found = muon.statistics(0);
  CHECK(found.step == 2 && near(found.grad_norm, 5, 1e-12) && found.effective_lr == 0.5);
  CHECK(near(found.update_rms, 0.5 * std::sqrt((x * x + y * y) / 4)));
  CHECK(std::isnan(found.orthogonality_error));

  muon.set_statistics_level(StatisticsLevel::orthogonality);
  const int before = allocations;
  muon.step();
  found = muon.statistics(0);
  CHECK(allocations == before && found.step == 3);
  CHECK(near(found.orthogonality_error, std::hypot(x * x - 1, y * y - 1) / std::sqrt(2)));

  CHECK_THROWS(muon.statistics(1), invalid_argument, "1");
  CHECK_THROWS(muon.set_statistics_level(static_cast<StatisticsLevel>(7)), invalid_argument, "7");
  CHECK(muon.statistics_level() == StatisticsLevel::orthogonality);
}

void test_statistics_of_adamw() {
  const muon::ParameterStatistics none;
  CHECK(none.step == 0 && std::isnan(none.grad_norm) && std::isnan(none.update_rms));
  CHECK(std::isnan(none.effective_lr) && std::isnan(none.orthogonality_error));

  std::vector<float> b(2), grad{3, -4};
  muon::AdamWOptions options;
  options.lr = 0.25;
  muon::AdamW adamw({{"b", {2}, b, grad}}, options);
  adamw.set_statistics_level(StatisticsLevel::orthogonality);
  adamw.step();
  const muon::ParameterStatistics found = adamw.statistics(0);
  CHECK(found.step == 1 && near(found.grad_norm, 5, 1e-12) && found.effective_lr == 0.25);
  CHECK(near(found.update_rms, 0.25));  // the first step is lr g/|g|
  CHECK(std::isnan(found.orthogonality_error));
}

/// An optimizer each step of which is skipped, with a warning.
class Skipping {
 public:
  Skipping() : adamw_({{"b", {1}, b_, grad_}}) {
    adamw_.set_nonfinite_policy(muon::NonFinitePolicy::skip);
  }
  void step() { adamw_.step(); }
  std::int64_t skipped() const { return adamw_.skipped_steps(); }

 private:
  float b_[1] = {0};
  float grad_[1] = {std::nanf("")};
  muon::AdamW adamw_;
};

using Messages = std::vector<std::pair<LogLevel, std::string>>;

muon::LogHandler into(Messages &heard) {
  return [&heard](LogLevel level, std::string_view message) { heard.emplace_back(level, message); };
}

void test_levels() {
  Skipping optimizer;
  Messages heard;
  muon::set_log_handler(into(heard));
  optimizer.step();
  CHECK(heard.size() == 1 && heard[0].first == LogLevel::warning);
  CHECK(heard[0].second.find("skipped") != std::string::npos);
  CHECK_THROWS(muon::set_log_handler([](LogLevel, std::string_view) {}, static_cast<LogLevel>(7)),
               invalid_argument, "7");
  optimizer.step();
  CHECK(heard.size() == 2);  // it is still told

  Messages after;
  muon::set_log_handler(into(after), LogLevel::error);
  optimizer.step();
  CHECK(heard.size() == 2 && after.empty());
  muon::set_log_handler(into(after), LogLevel::info);
  const Skipping another;
  CHECK(!after.empty() && after[0].first == LogLevel::info);
  CHECK(after[0].second.find(muon::build_info()) != std::string::npos);

  const std::size_t count = after.size();
  muon::set_log_handler(nullptr);
  optimizer.step();
  CHECK(after.size() == count && heard.size() == 2);
}

void test_what_a_handler_may_do() {
  Skipping optimizer;
  int calls = 0;
  muon::set_log_handler([&](LogLevel, std::string_view) {
    calls++;
    CHECK(optimizer.skipped() == calls);  // nothing is locked
    throw std::runtime_error("dropped");
  });
  optimizer.step();
  optimizer.step();
  CHECK(calls == 2);

  // Replace itself: it and what it owns are there until it has returned.
  Messages heard;
  std::weak_ptr<int> alive;
  {
    auto owned = std::make_shared<int>(3);
    alive = owned;
    muon::set_log_handler([owned, &calls, &heard](LogLevel, std::string_view) {
      muon::set_log_handler(into(heard));
      calls += *owned;
    });
  }
  CHECK(!alive.expired());
  optimizer.step();
  CHECK(calls == 5 && heard.empty() && alive.expired());
  optimizer.step();
  CHECK(calls == 5 && heard.size() == 1);
  muon::set_log_handler(nullptr);
}

void test_waits_for_the_handler_before() {
  std::atomic<bool> entered{false}, left{false};
  const auto owned = std::make_shared<int>(0);
  muon::set_log_handler([&entered, &left, owned](LogLevel, std::string_view) {
    entered = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    left = true;
  });
  std::thread stepping([] { Skipping().step(); });
  while (!entered) std::this_thread::yield();
  muon::set_log_handler(nullptr);
  CHECK(left && owned.use_count() == 1);
  stepping.join();
}

}  // namespace

void test_watching() {
  test_statistics_of_muon();
  test_statistics_of_adamw();
  test_levels();
  test_what_a_handler_may_do();
  test_waits_for_the_handler_before();
}
