// bindings/cpp/layerwise: the results are those of steps of all, and go on from a checkpoint, to the bit.
#include "../../../bindings/cpp/layerwise/array_by_array.hpp"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using Vector = std::vector<float>;

void expect(bool holds, const char *what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  std::exit(1);
}

const auto muon_options = muon::MuonOptions().set_lr(0.1).set_shape_scale(muon::ShapeScale::original);
const auto adamw_options = muon::AdamWOptions().set_lr(0.1);
muon::Schedule schedule() { return muon::Schedule::linear(1, 0.1, 10); }

struct Arrays {
  Vector tall = Vector(12, 1), flat = Vector(12, 2), bias = Vector(3, 3);
};

Vector gradient(const Vector &weights, int step) {
  Vector grad(weights.size());
  for (std::size_t i = 0; i < grad.size(); i++)
    grad[i] = weights[i] + static_cast<float>((i * 7 + static_cast<std::size_t>(step) * 3) % 5);
  return grad;
}

void one_by_one(ArrayByArray &optimizer, Arrays &arrays, int step) {
  Vector grad;  // one for all
  for (Vector *each : {&arrays.bias, &arrays.flat, &arrays.tall}) {
    grad = gradient(*each, step);
    optimizer.update(grad, *each);
  }
  optimizer.next_step();
}

void add(ArrayByArray &optimizer, Arrays &arrays) {
  optimizer.add_matrix("tall", arrays.tall, 4, 3);
  optimizer.add_matrix("flat", arrays.flat, 4, 3, "io");  // 3 outputs of 4 inputs
}

}  // namespace

int main(int, char **argv) {
  const char *const checkpoint = argv[1];
  Arrays one, all;
  ArrayByArray optimizer(muon_options, adamw_options, schedule());
  add(optimizer, one);

  Vector tall_grad, flat_grad, bias_grad(3);
  muon::Parameter tall{"tall", {4, 3}, all.tall}, flat{"flat", {4, 3}, all.flat};
  flat.view = muon::View{"io"};
  muon::Muon muon({tall, flat}, muon_options);
  muon::AdamW adamw({{"bias", {3}, all.bias}}, adamw_options);
  muon::Scheduler scheduler(schedule(), {muon, adamw});
  for (int step = 0; step < 6; step++) {
    one_by_one(optimizer, one, step);
    tall_grad = gradient(all.tall, step), flat_grad = gradient(all.flat, step);
    bias_grad = gradient(all.bias, step);
    muon.bind(0, "grad", tall_grad), muon.bind(1, "grad", flat_grad);
    adamw.bind(0, "grad", bias_grad);
    muon::step({muon, adamw});
    scheduler.step();
  }
  expect(one.tall == all.tall && one.flat == all.flat && one.bias == all.bias,
         "a step of each array is a step of all");
  expect(one.tall != Vector(12, 1), "something is trained");

  optimizer.save(checkpoint);
  Arrays again;
  ArrayByArray other(muon_options, adamw_options, schedule());
  add(other, again);
  one_by_one(other, again, 0);
  other.load(checkpoint);
  expect(again.tall == one.tall && again.bias == one.bias, "a checkpoint has the arrays");
  one_by_one(optimizer, one, 6), one_by_one(other, again, 6);
  expect(again.tall == one.tall && again.flat == one.flat && again.bias == one.bias,
         "a run goes on from a checkpoint");
  std::printf("passed\n");
}
