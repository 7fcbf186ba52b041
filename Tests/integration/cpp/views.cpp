// Views: each matrix is treated as a parameter of its own.
#include "check.hpp"

#include <cstring>
#include <vector>

namespace {

std::vector<float> numbers(std::size_t count, float factor) {
  std::vector<float> found(count);
  for (std::size_t i = 0; i < count; i++) found[i] = factor * static_cast<float>((i * 7 + 3) % 11) - 2;
  return found;
}

/// llm.c's qkvw, (L, 3C, C): Q, K and V of each layer.
void test_blocks_of_layers() {
  const std::size_t layers = 2, channels = 4, block = channels * channels, count = layers * 3 * block;
  std::vector<float> whole = numbers(count, 0.5f), parts = whole, grad = numbers(count, -0.25f);

  muon::Parameter qkvw{"qkvw", {2, 12, 4}, whole, grad};
  qkvw.view = muon::View{"boi", {}, 1, {4, 4, 4}};
  muon::Muon one({qkvw});
  muon::Muon many;
  for (std::size_t i = 0; i < layers * 3; i++)
    many.add_param({"", {4, 4}, {parts.data() + i * block, block}, {grad.data() + i * block, block}});
  for (int step = 0; step < 3; step++) {
    one.step();
    many.step();
  }
  CHECK(std::memcmp(whole.data(), parts.data(), count * sizeof(float)) == 0);
  CHECK(one.state_layout(0, qkvw)[0].ndim == 3);

  qkvw.view->split_sizes = {4, 4};
  CHECK_THROWS(one.add_param(qkvw), shape, "add up");
  qkvw.view = muon::View{"bo"};
  CHECK_THROWS(one.add_param(qkvw), invalid_argument, "one 'i'");
  const auto routes = muon::route_params(R"({"training": {"optimizer": "Muon", "learning_rate": 1}})", {qkvw});
  CHECK(routes[0].optimizer == muon::OptimizerKind::muon && routes[0].reason == muon::RouteReason::view);
}

}  // namespace

void test_views() { test_blocks_of_layers(); }
