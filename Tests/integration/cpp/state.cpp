// State in and out, buffers of the caller's, and that steps allocate nothing.
#include "check.hpp"

#include <string>
#include <vector>

namespace {

void test_saving_and_resuming() {
  std::vector<float> b{1, 2}, grad{0.5f, -1};
  muon::AdamW first({{"b", {2}, b, grad}});
  first.step();
  std::vector<float> copy = b;
  muon::AdamW second({{"b", {2}, copy, grad}});
  for (const std::string &buffer : first.state_buffers(0))
    second.set_buffer(0, buffer, first.buffer(0, buffer));
  second.set_param_steps(0, first.param_steps(0));
  CHECK(second.param_steps(0) == 1);
  first.step();
  second.step();
  CHECK(copy == b && b[0] != 1);
  CHECK(first.buffer_count(0, "data") == 2 && first.buffer(0, "grad") == grad);

  CHECK((first.state_buffers(0) == std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
  CHECK(first.buffer_shape(0, "exp_avg") == std::vector<std::int64_t>{2});
  CHECK(first.buffer_dtype(0, "exp_avg") == muon::DType::f32 && first.state_bytes() == 16);
  const std::vector<muon_state_layout> layout = first.state_layout(0, {"w", {3, 4}});
  CHECK(layout.size() == 2 && layout[1].torch_key == std::string("exp_avg_sq"));
  CHECK(layout[0].ndim == 2 && layout[0].shape[0] == 3 && layout[0].shape[1] == 4);
  CHECK_THROWS(first.state_layout(0, {"w", {-1}}), shape, "-1");
  CHECK_THROWS(first.buffer_shape(0, std::string("data\0", 5)), invalid_argument, "NUL");

  float out[2];
  first.get_buffer(0, "data", out);
  CHECK(out[0] == b[0] && out[1] == b[1]);
  float wrong[3];
  CHECK(first.get_buffer(0, "data", wrong) == 2 && wrong[1] == b[1]);
  CHECK_THROWS(first.set_buffer(0, "data", wrong), shape, "3");
  CHECK_THROWS(first.buffer(0, "momentum"), invalid_argument, "momentum");
  CHECK_THROWS(first.buffer(1, "data"), invalid_argument, "1");
  CHECK_THROWS(first.set_param_steps(0, -1), invalid_argument, "-1");
}

void test_binding() {
  std::vector<float> w(4), grad{1, 0, 0, 1}, momentum{1, 0, 0, 1}, other(4);
  muon::MuonOptions options;
  options.momentum = 0.5;
  muon::Muon muon({{"w", {2, 2}, w, grad, {muon::state_buffer("momentum", momentum)}}}, options);
  muon.step();
  CHECK(momentum[0] == 1.5f && momentum[1] == 0);  // the caller's own, continued
  muon.bind(0, "momentum", {});              // the library's, with the present values
  muon.step();
  CHECK(momentum[0] == 1.5f && muon.buffer(0, "momentum")[0] == 1.75f);

  muon.bind(0, "data", other);
  const std::vector<float> before = w;
  muon.step();
  CHECK(w == before && other[0] != 0);
  muon.bind(0, "grad", {});
  const std::vector<float> rest = other;
  muon.step();
  CHECK(other == rest);
  CHECK_THROWS(muon.buffer(0, "grad"), invalid_argument, "gradient");
  CHECK_THROWS(muon.bind(0, "data", muon::Span<float>(other.data(), 3)), shape, "3");
}

/// Of the wrappers: what the library itself does is tested elsewhere.
void test_steps_allocate_nothing() {
  std::vector<float> w(4), w_grad{1, 2, 3, 4}, b(2), b_grad{1, 2};
  muon::Muon muon({{"w", {2, 2}, w, w_grad}});
  muon::AdamW adamw({{"b", {2}, b, b_grad}});
  muon::Scheduler scheduler(muon::Schedule::cosine(10), {muon, adamw});
  const int before = allocations;
  CHECK(before > 0);
  for (int step = 0; step < 3; step++) {
    muon.step();
    adamw.step();
    scheduler.step();
    muon.zero_grad();
    muon.set_lr(0, adamw.lr());
    muon.bind(0, "grad", w_grad);
    muon.get_buffer(0, "data", w_grad);
  }
  CHECK(allocations == before);
}

}  // namespace

void test_state() {
  test_saving_and_resuming();
  test_binding();
  test_steps_allocate_nothing();
}
