/// Trains a small network on handwritten digits through the one function that layer-by-layer
/// libraries call their optimizer by.
///
///     layerwise [path of digits.bin]
#include <cstdio>
#include <exception>
#include <numeric>

#include "../digits.hpp"
#include "../mlp.hpp"
#include "array_by_array.hpp"

namespace {

// ---- The library -------------------------------------------------------------------------------

using Vector = std::vector<float>;

/// As tiny_dnn::optimizer: of an array it knows the gradient and the memory, not the shape.
struct LibraryOptimizer {
  virtual ~LibraryOptimizer() = default;
  virtual void update(const Vector &dW, Vector &W) = 0;
};

/// One batch. Gradients are this function's own and not to be kept.
double fit_batch(Mlp &network, LibraryOptimizer &optimizer, const Vector &x,
                 const std::vector<std::uint8_t> &labels) {
  network.forward(x.data(), labels.size());
  const double loss = network.backward(x.data(), labels.data(), labels.size());
  for (auto layer = network.layers.rbegin(); layer != network.layers.rend(); ++layer) {
    optimizer.update(layer->weight_grad, layer->weight);
    optimizer.update(layer->bias_grad, layer->bias);
    std::fill(layer->weight_grad.begin(), layer->weight_grad.end(), 0.0f);
    std::fill(layer->bias_grad.begin(), layer->bias_grad.end(), 0.0f);
  }
  return loss;
}

// ---- Muon in it --------------------------------------------------------------------------------

class LibraryMuon : public LibraryOptimizer {
 public:
  LibraryMuon(Mlp &network, std::int64_t steps)
      : arrays_(muon::MuonOptions().set_lr(0.05).set_weight_decay(0.2),
                muon::AdamWOptions().set_lr(0.01).set_beta2(0.95).set_weight_decay(0.2),
                muon::Schedule::trapezoid(20, steps / 2, steps, 0.05, 0)) {
    int number = 0;
    for (Layer &layer : network.layers)
      arrays_.add_matrix("fc" + std::to_string(++number), layer.weight,
                         static_cast<std::int64_t>(layer.outputs),
                         static_cast<std::int64_t>(layer.inputs));
  }

  void update(const Vector &dW, Vector &W) override { arrays_.update(dW, W); }

  /// For the library's callback after a batch.
  void after_batch() { arrays_.next_step(); }

 private:
  ArrayByArray arrays_;
};

constexpr std::size_t batch_size = 64, batches = (train_images + batch_size - 1) / batch_size;
constexpr int epochs = 15;

double train(const std::string &path) {
  const Digits data(path);
  std::uint64_t random = 1;
  Mlp network({pixels, 128, 64, classes}, batch_size, random);
  LibraryMuon optimizer(network, epochs * static_cast<std::int64_t>(batches));
  std::vector<std::size_t> order(train_images);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int epoch = 1; epoch <= epochs; epoch++) {
    double loss = 0;
    shuffle(order, random);
    for (std::size_t start = 0; start < train_images; start += batch_size) {
      Vector x;
      std::vector<std::uint8_t> labels;
      for (std::size_t n = start; n < std::min(start + batch_size, train_images); n++) {
        x.insert(x.end(), data.image(order[n]), data.image(order[n]) + pixels);
        labels.push_back(data.labels[order[n]]);
      }
      loss += fit_batch(network, optimizer, x, labels) / batches;
      optimizer.after_batch();
    }
    std::printf("epoch %2d  loss %.4f\n", epoch, loss);
  }
  return test_accuracy(network, data);
}

}  // namespace

int main(int argc, char **argv) {
  try {
    const double accuracy = train(argc > 1 ? argv[1] : "bindings/data/digits.bin");
    std::printf("test accuracy %.3f\n", accuracy);
    return accuracy < 0.92;  // it reaches 0.94: something is wrong
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
