// Optimizers: steps against the formulas, options there and back, errors.
#include "check.hpp"

#include <limits>
#include <vector>

namespace {

using muon::Backend;

/// With backend svd and a diagonal gradient, O is the signs: p <- p (1 - lr w) - lr s O.
void test_muon_step() {
  std::vector<float> w{1, 2, 3, 4}, w_grad{0.5f, 0, 0, -3};
  muon::MuonOptions options;
  options.lr = 0.1;
  options.weight_decay = 0.5;
  options.set_backend(Backend::svd);
  options.set_shape_scale(muon::ShapeScale::match_rms_adamw);
  muon::Muon muon({{"w", {2, 2}, w, w_grad}}, options);
  CHECK(muon.kind() == muon::OptimizerKind::muon && muon.param_count() == 1);
  CHECK(muon.scratch_bytes() == 0);
  muon.step();
  CHECK(muon.scratch_bytes() > 0);
  const double s = 0.1 * 0.2 * std::sqrt(2.0);
  CHECK(near(w[0], 0.95 - s) && near(w[1], 1.9) && near(w[2], 2.85) && near(w[3], 3.8 + s));
  muon.zero_grad();
  CHECK(w_grad[0] == 0 && w_grad[3] == 0);
}

void test_adamw_step() {
  std::vector<float> b{1, -2}, b_grad{4, -0.25f};
  muon::AdamWOptions options;
  options.lr = 0.1;
  options.weight_decay = 0.5;
  options.eps = 0.25;
  muon::AdamW adamw(options);
  CHECK(adamw.add_param({"b", {2}, b, b_grad}) == 0);
  CHECK(adamw.kind() == muon::OptimizerKind::adamw);
  adamw.step();  // m/(1 - beta1) = g, sqrt(v/(1 - beta2)) = |g|
  CHECK(near(b[0], 0.95 - 0.1 * 4 / 4.25) && near(b[1], -1.9 + 0.1 * 0.25 / 0.5));
}

/// A step of both is a step of each, and NaN in the second leaves the first as it was.
void test_sets() {
  std::vector<float> w{1, 2, 3, 4}, b{1, -2}, w_grad{1, 0, 2, 1}, b_grad{4, 1}, w_alone = w, b_alone = b;
  muon::Muon muon({{"w", {2, 2}, w, w_grad}}), muon_alone({{"w", {2, 2}, w_alone, w_grad}});
  muon::AdamW adamw({{"b", {2}, b, b_grad}}), adamw_alone({{"b", {2}, b_alone, b_grad}});
  muon::step({muon, adamw});
  muon_alone.step();
  adamw_alone.step();
  CHECK(w == w_alone && b == b_alone);
  muon::set_lr({muon, adamw}, 0.5);
  CHECK(muon.lr() == 0.5 && adamw.lr() == 0.5);
  b_grad[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS((muon::step({muon, adamw})), nonfinite_gradient, "optimizer 1 (AdamW)");
  CHECK_THROWS((muon::step({muon, muon})), invalid_argument, "optimizer 1 is there twice");
  CHECK(w == w_alone && b == b_alone);
  muon::zero_grad({muon, adamw});
  CHECK(w_grad[0] == 0 && b_grad[1] == 0);

  w_grad = {3, 0, 0, 0};
  b_grad = {4, 0};
  CHECK(muon::clip_grad_norm({muon, adamw}, 10, 0.5) == 2.5);
  CHECK(muon.grad_scale() == 0.5 && adamw.grad_scale() == 0.5);
  CHECK(muon::clip_grad_norm({muon, adamw}, 1) == 5);
  CHECK(near(muon.grad_scale(), 0.2));
  CHECK_THROWS((muon::clip_grad_norm({muon, adamw}, -1)), invalid_argument, "max_norm");
  muon.set_grad_scale(1);
  adamw.set_grad_scale(1);

  const std::vector<float> gradient{1, 2, 3, 4};
  muon_alone.set_lr(0, 0.5);
  w_grad = gradient;
  muon_alone.step();
  w_grad = {9, 9, 9, 9};
  muon.step_param(0, gradient);
  CHECK(w == w_alone && muon.param_steps(0) == 2);
  CHECK_THROWS(muon.step_param(0, b_grad), shape, "2");
}

void test_muon_groups_and_options() {
  std::vector<float> a(6), b(6), grad(6, 1);
  muon::Muon muon;
  CHECK(muon.group_count() == 1 && muon.param_count() == 0);

  muon::MuonOptions given;
  given.lr = 0.3;
  given.momentum = 0.5;
  given.weight_decay = 0.125;
  given.eps = 1e-6;
  given.set_nesterov(false);
  given.set_momentum_style(muon::MomentumStyle::ema);
  given.set_shape_scale(muon::ShapeScale::spectral);
  given.set_backend(Backend::custom);
  given.backend_steps = 2;
  given.set_precision(muon::Precision::f32);
  given.set_method(muon::NewtonSchulzMethod::standard);
  given.set_coefficients({{3, -3.2, 1.2}, {1.5, -0.5, 0}, {2, -1.5, 0.5}});
  const std::int64_t group = muon.add_group(given, {{"a", {2, 3}, a, grad}, {"b", {3, 2}, b}});
  CHECK(group == 1 && muon.group_count() == 2 && muon.param_count() == 2);

  // Set what was got: nothing is lost, not even the rows beyond backend_steps.
  for (int round = 0; round < 2; round++) {
    const muon::MuonOptions got = muon.options(group);
    CHECK(got.lr == 0.3 && got.momentum == 0.5 && got.weight_decay == 0.125 && got.eps == 1e-6);
    CHECK(!got.nesterov && got.get_momentum_style() == muon::MomentumStyle::ema);
    CHECK(got.get_shape_scale() == muon::ShapeScale::spectral && got.get_backend() == Backend::custom);
    CHECK(got.backend_steps == 2 && got.get_precision() == muon::Precision::f32 &&
          got.get_method() == muon::NewtonSchulzMethod::standard);
    CHECK(got.get_coefficients().size() == 3 && got.get_coefficients()[1].b == -0.5);
    CHECK(muon.coefficients(group).size() == 3);
    muon.set_options(group, got);
  }
  CHECK(muon.options().lr == muon::MuonOptions().lr && muon.options().get_coefficients().empty());
  CHECK(muon.coefficients().size() == 5);

  muon.set_lr(group, 0.25);
  CHECK(muon.lr(group) == 0.25 && muon.lr() == muon::MuonOptions().lr);
  CHECK(std::isnan(muon.initial_lr(group)));
  muon.set_initial_lr(group, 0.75);
  CHECK(muon.initial_lr(group) == 0.75);
}

void test_adamw_groups_and_options() {
  std::vector<float> scalar{1};
  muon::AdamW adamw;
  muon::AdamWOptions given;
  given.lr = 0.3;
  given.beta1 = 0.5;
  given.beta2 = 0.75;
  given.eps = 1e-6;
  given.weight_decay = 0.125;
  CHECK(adamw.add_group(given, {{"scalar", {}, scalar}}) == 1);
  muon::AdamWOptions got = adamw.options(1);
  CHECK(got.lr == 0.3 && got.beta1 == 0.5 && got.beta2 == 0.75 && got.eps == 1e-6);
  CHECK(got.weight_decay == 0.125 && adamw.options().beta2 == muon::AdamWOptions().beta2);
  got.beta1 = 0.25;
  adamw.set_options(1, got);
  CHECK(adamw.options(1).beta1 == 0.25);
}

void test_nonfinite_policies() {
  std::vector<float> b{1}, grad{std::numeric_limits<float>::quiet_NaN()};
  muon::AdamW adamw({{"the bias", {1}, b, grad}});
  CHECK(adamw.nonfinite_policy() == muon::NonFinitePolicy::error);
  CHECK_THROWS(adamw.step(), nonfinite_gradient, "the bias");
  CHECK(b[0] == 1);
  adamw.set_nonfinite_policy(muon::NonFinitePolicy::skip);
  adamw.step();
  CHECK(b[0] == 1 && adamw.skipped_steps() == 1);
  adamw.set_nonfinite_policy(muon::NonFinitePolicy::propagate);
  CHECK(adamw.nonfinite_policy() == muon::NonFinitePolicy::propagate);
  adamw.step();
  CHECK(std::isnan(b[0]));
}

void test_lookups() {
  std::vector<float> a(6), b(6);
  muon::Muon muon({{"first", {2, 3}, a}});
  CHECK(muon.add_group({}, {{"layers.1.weight", {3, 2}, b}}) == 1);
  CHECK(muon.find_param("layers.1.weight") == 1 && muon.param_name(1) == "layers.1.weight");
  CHECK(muon.param_name(0) == "first" && muon.param_group(0) == 0 && muon.param_group(1) == 1);
  CHECK_THROWS(muon.find_param("layers.1"), invalid_argument, "layers.1");
  CHECK_THROWS(muon.param_name(2), invalid_argument, "2");
  CHECK_THROWS(muon.param_group(-1), invalid_argument, "-1");
}

void test_errors() {
  std::vector<float> w(6), grad(5);
  muon::MuonOptions wrong;
  wrong.lr = -1;
  CHECK_THROWS(muon::Muon(wrong), invalid_argument, "-1");
  CHECK_THROWS(muon::Muon({{"w", {6}, w}}), shape, "2 dimensions");
  CHECK_THROWS(muon::Muon({{"w", {2, 3}, w, grad}}), shape, "w");
  muon::AdamWOptions beta;
  beta.beta2 = 1;
  CHECK_THROWS(muon::AdamW(beta), invalid_argument, "1");
  CHECK_THROWS(muon::AdamW({{"", {5}, w}}), shape, "param0");

  muon::Muon muon;
  CHECK_THROWS(muon.add_param({"w", {2, 3}, w}, 1), invalid_argument, "1");
  CHECK_THROWS(muon.add_group({}, {{"w", {2, 3}, w}, {"again", {2, 3}, w}}), invalid_argument,
               "overlap");
  CHECK(muon.group_count() == 1 && muon.param_count() == 0);
  muon::Parameter half{"w", {2, 3}, w};
  half.dtype = muon::DType::f64;
  CHECK_THROWS(muon.add_param(half), unsupported, "w");
  half.dtype = muon::DType::not_float;
  CHECK_THROWS(muon.add_param(half), dtype, "w");
  CHECK_THROWS(muon.set_lr(0, std::nan("")), invalid_argument, "nan");
  CHECK_THROWS(muon.options(7), invalid_argument, "7");
  CHECK_THROWS(muon.set_options(0, wrong), invalid_argument, "-1");
  muon::MuonOptions custom;
  custom.set_backend(Backend::custom);
  CHECK_THROWS(muon.set_options(0, custom), invalid_argument, "coefficients");
}

}  // namespace

void test_optimizers() {
  test_muon_step();
  test_adamw_step();
  test_sets();
  test_muon_groups_and_options();
  test_adamw_groups_and_options();
  test_nonfinite_policies();
  test_lookups();
  test_errors();
}
