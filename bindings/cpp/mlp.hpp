/// A multilayer perceptron in plain loops: ReLU between layers, softmax cross-entropy at the end.
/// It knows nothing of optimizers.
#ifndef MLP_HPP
#define MLP_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

/// splitmix64: the state may start as any number.
std::uint64_t random_bits(std::uint64_t &state);

struct Layer {
  /// Weights by He's rule, biases 0, and room for the output of a batch.
  Layer(std::size_t fan_in, std::size_t fan_out, std::size_t max_batch, std::uint64_t &random);

  std::size_t inputs, outputs;
  std::vector<float> weight, weight_grad;  // outputs x inputs
  std::vector<float> bias, bias_grad;      // outputs
  std::vector<float> out, out_grad;        // max_batch x outputs
};

class Mlp {
 public:
  /// sizes are those of the input, of every hidden layer, and of the output.
  Mlp(const std::vector<std::size_t> &sizes, std::size_t max_batch, std::uint64_t &random);

  /// The logits of count images, count x classes, kept until the next call.
  const std::vector<float> &forward(const float *x, std::size_t count);

  /// Adds the gradient of the mean loss of the images last forwarded to the gradients of the
  /// parameters. Returns that loss.
  double backward(const float *x, const std::uint8_t *labels, std::size_t count);

  std::vector<Layer> layers;
};

#endif  // MLP_HPP
