#include "mlp.hpp"

#include <algorithm>
#include <cmath>

std::uint64_t random_bits(std::uint64_t &state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Layer::Layer(std::size_t fan_in, std::size_t fan_out, std::size_t max_batch, std::uint64_t &random)
    : inputs(fan_in),
      outputs(fan_out),
      weight(outputs * inputs),
      weight_grad(outputs * inputs),
      bias(outputs),
      bias_grad(outputs),
      out(max_batch * outputs),
      out_grad(max_batch * outputs) {
  // Uniform with variance 2/inputs, so that the ReLUs keep the size of the signal.
  const float bound = std::sqrt(6.0f / static_cast<float>(inputs));
  for (float &value : weight) {
    const auto bits = static_cast<float>(random_bits(random) >> 40);
    value = bound * (bits / 8388608.0f - 1.0f);  // the factor is in [-1, 1)
  }
}

Mlp::Mlp(const std::vector<std::size_t> &sizes, std::size_t max_batch, std::uint64_t &random) {
  for (std::size_t i = 0; i + 1 < sizes.size(); i++)
    layers.emplace_back(sizes[i], sizes[i + 1], max_batch, random);
}

namespace {

void forward_layer(Layer &layer, const float *x, std::size_t count, bool relu) {
  for (std::size_t n = 0; n < count; n++) {
    const float *input = x + n * layer.inputs;
    for (std::size_t o = 0; o < layer.outputs; o++) {
      const float *row = layer.weight.data() + o * layer.inputs;
      float sum = layer.bias[o];
      for (std::size_t i = 0; i < layer.inputs; i++) sum += row[i] * input[i];
      layer.out[n * layer.outputs + o] = relu && sum < 0 ? 0 : sum;
    }
  }
}

/// The gradient of the mean loss by the logits; returns the loss.
double backward_softmax(Layer &layer, const std::uint8_t *labels, std::size_t count) {
  double loss = 0;
  for (std::size_t n = 0; n < count; n++) {
    const float *logits = layer.out.data() + n * layer.outputs;
    float *grad = layer.out_grad.data() + n * layer.outputs;
    // Without max, a large logit overflows.
    const float max = *std::max_element(logits, logits + layer.outputs);
    float sum = 0;
    for (std::size_t c = 0; c < layer.outputs; c++) sum += grad[c] = std::exp(logits[c] - max);
    for (std::size_t c = 0; c < layer.outputs; c++) {
      const float target = c == labels[n] ? 1.0f : 0.0f;
      grad[c] = (grad[c] / sum - target) / static_cast<float>(count);
    }
    loss += std::log(sum) + max - logits[labels[n]];
  }
  return loss / static_cast<double>(count);
}

/// From the gradient of a layer's output to that of its parameters, and of its input unless NULL.
void backward_layer(Layer &layer, const float *x, float *x_grad, std::size_t count) {
  if (x_grad) std::fill_n(x_grad, count * layer.inputs, 0.0f);
  for (std::size_t n = 0; n < count; n++) {
    const float *input = x + n * layer.inputs;
    for (std::size_t o = 0; o < layer.outputs; o++) {
      const float grad = layer.out_grad[n * layer.outputs + o];
      const float *row = layer.weight.data() + o * layer.inputs;
      float *row_grad = layer.weight_grad.data() + o * layer.inputs;
      layer.bias_grad[o] += grad;
      for (std::size_t i = 0; i < layer.inputs; i++) row_grad[i] += grad * input[i];
      if (!x_grad) continue;
      float *input_grad = x_grad + n * layer.inputs;
      for (std::size_t i = 0; i < layer.inputs; i++) input_grad[i] += grad * row[i];
    }
  }
}

/// A ReLU that gave 0 passes no gradient.
void backward_relu(Layer &layer, std::size_t count) {
  for (std::size_t i = 0; i < count * layer.outputs; i++)
    if (layer.out[i] <= 0) layer.out_grad[i] = 0;
}

}  // namespace

const std::vector<float> &Mlp::forward(const float *x, std::size_t count) {
  for (Layer &layer : layers) {
    forward_layer(layer, x, count, &layer != &layers.back());
    x = layer.out.data();
  }
  return layers.back().out;
}

double Mlp::backward(const float *x, const std::uint8_t *labels, std::size_t count) {
  const double loss = backward_softmax(layers.back(), labels, count);
  for (std::size_t i = layers.size() - 1; i > 0; i--) {
    Layer &below = layers[i - 1];
    backward_layer(layers[i], below.out.data(), below.out_grad.data(), count);
    backward_relu(below, count);
  }
  backward_layer(layers[0], x, nullptr, count);
  return loss;
}
