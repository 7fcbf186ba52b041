// State in and out, buffers of the caller's, and that steps allocate nothing.
#include "check.hpp"

#include <vector>

namespace {

using muon::Buffer;

void test_saving_and_resuming() {
  std::vector<float> b{1, 2}, grad{0.5f, -1};
  muon::AdamW first({{"b", {2}, b, grad}});
  first.step();
  std::vector<float> copy = b;
  muon::AdamW second({{"b", {2}, copy, grad}});
  for (const Buffer buffer : {Buffer::exp_avg, Buffer::exp_avg_sq})
    second.set_buffer(0, buffer, first.buffer(0, buffer));
  second.set_param_steps(0, first.param_steps(0));
  CHECK(second.param_steps(0) == 1);
  first.step();
  second.step();
  CHECK(copy == b && b[0] != 1);
  CHECK(first.buffer_count(0, Buffer::data) == 2 && first.buffer(0, Buffer::grad) == grad);

  float out[2];
  first.get_buffer(0, Buffer::data, out);
  CHECK(out[0] == b[0] && out[1] == b[1]);
  float wrong[3];
  CHECK_THROWS(first.get_buffer(0, Buffer::data, wrong), shape, "3");
  CHECK_THROWS(first.set_buffer(0, Buffer::data, wrong), shape, "3");
  CHECK_THROWS(first.buffer(0, Buffer::momentum), invalid_argument, "momentum");
  CHECK_THROWS(first.buffer(1, Buffer::data), invalid_argument, "1");
  CHECK_THROWS(first.set_param_steps(0, -1), invalid_argument, "-1");
}

void test_binding() {
  std::vector<float> w(4), grad{1, 0, 0, 1}, momentum{1, 0, 0, 1}, other(4);
  muon::MuonOptions options;
  options.momentum = 0.5;
  muon::Muon muon({{"w", {2, 2}, w, grad, {momentum}}}, options);
  muon.step();
  CHECK(momentum[0] == 1.5f && momentum[1] == 0);  // the caller's own, continued
  muon.bind(0, Buffer::momentum, {});              // the library's, with the present values
  muon.step();
  CHECK(momentum[0] == 1.5f && muon.buffer(0, Buffer::momentum)[0] == 1.75f);

  muon.bind(0, Buffer::data, other);
  const std::vector<float> before = w;
  muon.step();
  CHECK(w == before && other[0] != 0);
  muon.bind(0, Buffer::grad, {});
  const std::vector<float> rest = other;
  muon.step();
  CHECK(other == rest);
  CHECK_THROWS(muon.buffer(0, Buffer::grad), invalid_argument, "gradient");
  CHECK_THROWS(muon.bind(0, Buffer::data, muon::Span<float>(other.data(), 3)), shape, "3");
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
    muon.bind(0, Buffer::grad, w_grad);
    muon.get_buffer(0, Buffer::data, w_grad);
  }
  CHECK(allocations == before);
}

}  // namespace

void test_state() {
  test_saving_and_resuming();
  test_binding();
  test_steps_allocate_nothing();
}
