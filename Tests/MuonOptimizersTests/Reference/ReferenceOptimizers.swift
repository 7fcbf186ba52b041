import Foundation
import MuonOptimizers

/// Muon's step in float64, from the formulas of muon.h.
struct ReferenceMuon {
  var parameter: DoubleMatrix
  var momentum: DoubleMatrix
  let options: MuonOptions

  init(_ parameter: DoubleMatrix, _ options: MuonOptions) {
    self.parameter = parameter
    momentum = .zeros(parameter.rows, parameter.columns)
    self.options = options
  }

  mutating func step(_ gradient: DoubleMatrix) {
    let b = options.momentum
    let g = options.momentumStyle == .ema ? (1 - b) * gradient : gradient
    momentum = b * momentum + g
    let u = options.nesterov ? g + b * momentum : momentum
    let o = referenceOrthogonalize(
      u, backend: options.backend, steps: options.backendSteps, epsilon: options.epsilon)
    let lr = options.learningRate
    parameter =
      (1 - lr * options.weightDecay) * parameter + (-lr * shapeScale) * o
  }

  private var shapeScale: Double {
    let (r, c) = (Double(parameter.rows), Double(parameter.columns))
    switch options.shapeScale {
    case .none: return 1
    case .original: return r > c ? sqrt(r / c) : 1
    case .matchRMSAdamW: return 0.2 * sqrt(r > c ? r : c)
    case .spectral: return sqrt(r / c)
    }
  }
}

/// AdamW's step in float64, from the formulas of muon.h.
struct ReferenceAdamW {
  var parameter: [Double]
  var mean: [Double]
  var square: [Double]
  var t = 0
  let options: AdamWOptions

  init(_ parameter: [Double], _ options: AdamWOptions) {
    self.parameter = parameter
    mean = parameter.map { _ in 0 }
    square = mean
    self.options = options
  }

  mutating func step(_ gradient: [Double]) {
    t += 1
    let (lr, beta1, beta2) = (options.learningRate, options.beta1, options.beta2)
    let (correction1, correction2) = (1 - pow(beta1, Double(t)), 1 - pow(beta2, Double(t)))
    for i in parameter.indices {
      parameter[i] *= 1 - lr * options.weightDecay
      mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i]
      square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i]
      parameter[i] -=
        lr / correction1 * mean[i] / (sqrt(square[i]) / sqrt(correction2) + options.epsilon)
    }
  }
}
