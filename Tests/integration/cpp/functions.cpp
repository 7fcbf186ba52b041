// What is no object: orthogonalization, builders, the runtime.
#include "check.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

void test_orthogonalize() {
  const std::vector<float> g{0, -3, 0, 0.5f, 0, 0};  // 2 x 3
  muon::OrthogonalizeOptions svd;
  svd.set_backend(muon::Backend::svd);
  const std::vector<float> polar{0, -1, 0, 1, 0, 0};
  const std::vector<float> out = muon::orthogonalize(g, 2, 3, svd);
  for (std::size_t i = 0; i < out.size(); i++) CHECK(near(out[i], polar[i]));

  // One step of x -> 1.5 x - 0.5 x^3 by hand, in place; x is a singular value over the norm.
  std::vector<float> m = g;
  muon::OrthogonalizeOptions custom;
  custom.set_backend(muon::Backend::custom);
  custom.set_coefficients({{1.5, -0.5, 0}});
  custom.backend_steps = 1;
  custom.eps = 0.25;
  muon::orthogonalize(m, 2, 3, m, custom);
  const double norm = std::sqrt(9.25) + 0.25, x = 3 / norm, y = 0.5 / norm;
  CHECK(near(m[1], -(1.5 * x - 0.5 * x * x * x)) && near(m[3], 1.5 * y - 0.5 * y * y * y));

  CHECK(muon::orthogonalize({}, 0, 3).empty());
  std::vector<float> twice = g;
  twice.insert(twice.end(), g.begin(), g.end());
  muon::orthogonalize_batch(twice, 2, 2, 3, twice, svd);
  CHECK(std::vector<float>(twice.begin(), twice.begin() + 6) == out &&
        std::vector<float>(twice.begin() + 6, twice.end()) == out);
  CHECK_THROWS(muon::orthogonalize_batch(g, 2, 2, 3, twice), shape, "2 of 2 x 3");
  CHECK_THROWS(muon::orthogonalize(g, 2, 2), shape, "");
  CHECK_THROWS(muon::orthogonalize(std::vector<float>{std::nanf("")}, 1, 1), invalid_argument, "");
  custom.set_coefficients({});
  CHECK_THROWS(muon::orthogonalize(g, 2, 3, custom), invalid_argument, "coefficients");

  muon::OrthogonalizeOptions bf16;
  bf16.set_backend(muon::Backend::polar_express);
  bf16.set_precision(muon::Precision::bf16);
  CHECK_THROWS(muon::orthogonalize(g, 2, 3, bf16), unsupported, "");

  const std::vector<muon::Coefficients> rows =
      muon::coefficients(muon::Backend::newtonschulz5, 3);
  CHECK(rows.size() == 3 && rows[2].a == 3.4445 && rows[2].b == -4.775 && rows[2].c == 2.0315);
  CHECK(muon::coefficients(muon::Backend::orthogonalize).size() == 10);
  CHECK(muon::coefficients(muon::Backend::svd).empty());
  CHECK_THROWS(muon::coefficients(muon::Backend::custom), invalid_argument, "");
}

void test_builders() {
  using Kind = muon::OptimizerKind;
  using Reason = muon::RouteReason;
  std::vector<float> w(6), b(2), frozen(4);
  std::vector<muon::Parameter> params{
      {"w", {2, 3}, w}, {"b", {2}, b}, {"frozen", {2, 2}, frozen}, {"index", {7}}};
  params[2].requires_grad = false;
  params[3].dtype = muon::DType::not_float;
  const std::string config = R"({"training": {"optimizer": "Muon", "learning_rate": 0.5,
      "n_epochs": 2, "lr_schedule": "linear"}, "muon": {"lr": 0.25}})";

  const std::vector<muon::Route> routes = muon::route_params(config, params);
  CHECK(routes.size() == 4);
  CHECK(routes[0].optimizer == Kind::muon && routes[0].reason == Reason::matrix);
  CHECK(routes[1].optimizer == Kind::adamw && routes[1].reason == Reason::not_matrix);
  CHECK(routes[2].optimizer == Kind::none && routes[2].reason == Reason::frozen);
  CHECK(routes[3].optimizer == Kind::none && routes[3].reason == Reason::not_float);
  CHECK(std::string(text(Reason::matrix)) == "it has 2 dimensions");

  std::vector<muon::Optimizer> optimizers = muon::build_optimizers(config, params);
  CHECK(optimizers.size() == 2 && optimizers[0].kind() == Kind::muon);
  CHECK(optimizers[0].lr() == 0.25 && optimizers[1].lr() == 0.5);
  CHECK(optimizers[1].param_count() == 1);
  std::vector<muon::Scheduler> schedulers = muon::build_schedulers(config, optimizers, 5);
  CHECK(schedulers.size() == 2);
  for (muon::Scheduler &scheduler : schedulers) scheduler.set_step(5);
  CHECK(near(optimizers[0].lr(), 0.25 * (1 + 1e-5) / 2, 1e-12));
  CHECK(muon::build_schedulers(config, {optimizers[1]}, 5).size() == 1);

  const std::string adamw = R"({"training": {"optimizer": "AdamW", "learning_rate": 0.5}})";
  CHECK(muon::route_params(adamw, params)[0].reason == Reason::adamw_only);
  CHECK(muon::build_optimizers(adamw, params).size() == 1);
  CHECK(muon::build_optimizers(adamw, {}).empty() && muon::route_params(adamw, {}).empty());

  const std::string ruled = R"({"training": {"optimizer": "Muon", "learning_rate": 0.5, "n_epochs": 2,
      "momentum_schedule": {"warmup_steps": 4, "start_factor": 0.5}, "weight_decay_schedule": "cosine"},
    "rules": [{"match": "?", "optimizer": "adamw", "options": {"weight_decay": 1}}]})";
  CHECK((muon::match_rules(ruled, params) == std::vector<std::int64_t>{0, 0, -1, -1}));
  CHECK(muon::route_params(ruled, params)[0].reason == Reason::rule);
  std::vector<muon::Optimizer> by_rule = muon::build_optimizers(ruled, params);
  CHECK(by_rule.size() == 1 && by_rule[0].kind() == Kind::adamw && by_rule[0].param_count() == 2);
  CHECK(muon::build_schedulers(ruled, by_rule, 5).size() == 2);
  CHECK(muon::build_schedulers(ruled, optimizers, 5).size() == 5);

  CHECK_THROWS(muon::route_params("{}", params), config, "training");
  const std::string cut = config + '\0' + "x";
  CHECK_THROWS(muon::route_params(cut, params), invalid_argument, "config: there is a NUL");
  CHECK_THROWS(muon::build_optimizers(cut, params), invalid_argument, "config: there is a NUL");
  CHECK_THROWS(muon::build_schedulers(cut, optimizers, 5), invalid_argument, "NUL");
  std::vector<muon::Parameter> misnamed = params;
  misnamed[0].name = std::string("w\0x", 3);
  CHECK_THROWS(muon::build_optimizers(config, misnamed), invalid_argument, "name: there is a NUL");
  CHECK_THROWS(muon::build_optimizers(R"({"training": {"optimizer": "Adam"}})", params), config,
               "training.optimizer");
  CHECK_THROWS(muon::build_schedulers(adamw, optimizers, 5), config, "training.n_epochs");
  CHECK_THROWS(muon::build_schedulers(config, optimizers, 0), invalid_argument, "");
}

void test_runtime() {
  CHECK(muon::version_number() == MUON_VERSION_NUMBER);
  CHECK(std::string(muon::build_info()).find("libmuon ") == 0);
  CHECK(muon::version_string() ==
        std::to_string(MUON_VERSION_MAJOR) + "." + std::to_string(MUON_VERSION_MINOR) + "." +
            std::to_string(MUON_VERSION_PATCH));
  muon::set_num_threads(2);
  CHECK(muon::num_threads() == 2);
  CHECK_THROWS(muon::set_num_threads(-1), invalid_argument, "-1");
  muon::set_num_threads(0);
}

/// The enum has a name for each of these values, which are all, and its names have these values.
template <class Enum>
void check_names(const std::vector<std::pair<Enum, const char *>> &values) {
  for (const auto &[value, text] : values) {
    CHECK(std::string(name(value)) == text);
    CHECK(muon::from_name<Enum>(text) == value);
  }
  CHECK_THROWS(muon::from_name<Enum>("Svd"), invalid_argument, "expected ");
  CHECK_THROWS(muon::from_name<Enum>(std::string("svd\0x", 5)), invalid_argument, "NUL");
  CHECK(std::string(name(static_cast<Enum>(77))) == "unknown");
}

void test_names() {
  CHECK(std::string(name(muon::Status::shape)) == "MUON_ERR_SHAPE");
  CHECK(std::string(name(muon::OptimizerKind::adamw)) == "adamw");
  CHECK(std::string(name(muon::DType::not_float)) == "not_float");
  CHECK(std::string(name(muon::Master::remainder)) == "remainder");
  check_names<muon::Backend>({{muon::Backend::svd, "svd"}, {muon::Backend::you, "you"}});
  check_names<muon::Precision>({{muon::Precision::automatic, "auto"}});
  check_names<muon::NewtonSchulzMethod>({{muon::NewtonSchulzMethod::gram, "gram"}});
  check_names<muon::MomentumStyle>({{muon::MomentumStyle::ema, "ema"}});
  check_names<muon::ShapeScale>({{muon::ShapeScale::match_rms_adamw, "match_rms_adamw"}});
  check_names<muon::SecondMoment>({{muon::SecondMoment::normuon_long, "normuon_long"}});
  check_names<muon::NonFinitePolicy>({{muon::NonFinitePolicy::propagate, "propagate"}});
  check_names<muon::StatisticsLevel>({{muon::StatisticsLevel::none, "none"}});
  check_names<muon::LogLevel>({{muon::LogLevel::info, "info"}});

  const muon::OptionRange range = muon::option_range(muon::OptimizerKind::adamw, "beta2");
  CHECK(range.minimum == 0 && range.maximum == 1 && range.default_value == 0.999);
  CHECK(!range.minimum_is_open && range.maximum_is_open);
  CHECK_THROWS(muon::option_range(muon::OptimizerKind::muon, "beta1"), invalid_argument, "beta1");
  CHECK(muon::shape_scale_factor(muon::ShapeScale::spectral, 25, 100) == 0.5);
}

}  // namespace

void test_functions() {
  test_names();
  test_orthogonalize();
  test_builders();
  test_runtime();
}
