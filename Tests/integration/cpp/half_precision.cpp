// Parameters of bfloat16 and float16: what is computed is tested from Python; here, that memory is what it says it is.
#include "check.hpp"

#include <cstdint>
#include <vector>

namespace {

/// 1 in each format.
const std::uint16_t one_bf16 = 0x3F80, one_f16 = 0x3C00;

void test_steps() {
  std::vector<std::uint16_t> w(6, one_bf16), grad{one_f16, 0, 0, 0, one_f16, 0};
  std::vector<float> wide(6, 1), wide_grad{1, 0, 0, 0, 1, 0}, master(6);
  muon::Parameter half{"w", {2, 3}, w, grad};
  half.dtype = muon::DType::bf16;
  half.grad_dtype = muon::DType::f16;
  muon::Muon muon({half}), reference({{"w", {2, 3}, wide, wide_grad}});
  for (int step = 0; step < 3; step++) {
    muon.step();
    reference.step();
  }
  CHECK(muon.buffer(0, "master") == wide && muon.buffer_dtype(0, "data") == muon::DType::bf16);
  CHECK(muon.buffer_dtype(0, "grad") == muon::DType::f16);
  for (std::size_t i = 0; i < 6; i++) CHECK(w[i] == (wide[i] == 1 ? one_bf16 : one_bf16 - 1) || wide[i] < 0.99f);

  muon.step_param(0, grad);
  CHECK_THROWS(muon.step_param(0, wide_grad), dtype, "4 bytes");
  CHECK_THROWS(muon.bind(0, "data", wide), dtype, "data");
  CHECK_THROWS(muon.bind(0, "master", grad), dtype, "2 bytes");
  muon.bind(0, "master", master);
  CHECK(muon.param_steps(0) == 4);
}

void test_storage() {
  std::vector<std::uint16_t> w(6, one_bf16), remainder(6), momentum(6);
  std::vector<float> grad(6, 1);
  muon::Parameter half{"w", {2, 3}, w, grad, {muon::state_buffer("momentum", momentum)}};
  half.dtype = muon::DType::bf16;
  CHECK_THROWS(muon::Muon({half}), dtype, "gradient");
  half.grad_dtype = muon::DType::f32;
  half.state_dtype = muon::DType::bf16;
  half.master = muon::Master::remainder;
  muon::Muon muon({half});
  muon.bind(0, "remainder", remainder);
  muon.step();
  CHECK(muon.buffer_dtype(0, "remainder") == muon::DType::i16 && muon.state_bytes() == 6 * 4);
  CHECK(momentum[0] == one_bf16);
  half.dtype = muon::DType::f16;
  CHECK_THROWS(muon.add_param(half), dtype, "remainder");
  half.dtype = muon::DType::f32;
  CHECK_THROWS(muon.add_param(half), dtype, "2 bytes");
}

}  // namespace

void test_half_precision() {
  test_steps();
  test_storage();
}
