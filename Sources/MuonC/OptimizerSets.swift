// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizers_step(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int
) -> muon_status {
  guarded {
    try unsafe withSet(optimizers, count) { set in
      try Optimizer.step(set.count) { set[$0] }
    }
  }
}

@c @implementation
public func muon_optimizers_clip_grad_norm(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int, _ grad_scale: Double,
  _ max_norm: Double, _ outNorm: UnsafeMutablePointer<Double>?
) -> muon_status {
  guarded {
    let out = unsafe outNorm == nil ? nil : try unsafe required(outNorm, "outNorm")
    try unsafe withSet(optimizers, count) { set in
      let norm = try Optimizer.clipGradientNorm(set.count, to: max_norm, scale: grad_scale) {
        set[$0]
      }
      unsafe out?.pointee = norm
    }
  }
}

@c @implementation
public func muon_optimizers_zero_grad(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int
) -> muon_status {
  guarded {
    try unsafe withSet(optimizers, count) { set in
      for index in 0..<set.count { set[index].zeroGradients() }
    }
  }
}

@c @implementation
public func muon_optimizers_set_lr(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int, _ lr: Double
) -> muon_status {
  guarded {
    try unsafe withSet(optimizers, count) { set in
      try Optimizer.setLearningRate(lr, set.count) { set[$0] }
    }
  }
}
