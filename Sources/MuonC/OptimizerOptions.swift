// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_get_muon_options(
  _ optimizer: OpaquePointer?, _ group: Int64,
  _ outOptions: UnsafeMutablePointer<muon_muon_options>?
) -> muon_status {
  guarded {
    let out = try unsafe required(outOptions, "outOptions")
    let size = try unsafe structSize(UnsafePointer(out), "outOptions")
    let options = try unsafe withMuon(optimizer) { try $0.options(ofGroup: Int(group)) }
    unsafe writeStruct(try muon_muon_options(options), to: out, size: size)
  }
}

@c @implementation
public func muon_optimizer_set_muon_options(
  _ optimizer: OpaquePointer?, _ group: Int64, _ options: UnsafePointer<muon_muon_options>?
) -> muon_status {
  guarded {
    let options = try unsafe required(options, "options")
    try unsafe withMuon(optimizer) { muon in
      let present = try muon.options(ofGroup: Int(group))
      try muon.setOptions(
        try unsafe MuonC.options(options, present: present), ofGroup: Int(group))
    }
  }
}

@c @implementation
public func muon_optimizer_get_adamw_options(
  _ optimizer: OpaquePointer?, _ group: Int64,
  _ outOptions: UnsafeMutablePointer<muon_adamw_options>?
) -> muon_status {
  guarded {
    let out = try unsafe required(outOptions, "outOptions")
    let size = try unsafe structSize(UnsafePointer(out), "outOptions")
    let options = try unsafe withAdamW(optimizer) { try $0.options(ofGroup: Int(group)) }
    unsafe writeStruct(try muon_adamw_options(options), to: out, size: size)
  }
}

@c @implementation
public func muon_optimizer_set_adamw_options(
  _ optimizer: OpaquePointer?, _ group: Int64, _ options: UnsafePointer<muon_adamw_options>?
) -> muon_status {
  guarded {
    let options = try unsafe MuonC.options(try required(options, "options"))
    try unsafe withAdamW(optimizer) { try $0.setOptions(options, ofGroup: Int(group)) }
  }
}

@c @implementation
public func muon_optimizer_get_coefficients(
  _ optimizer: OpaquePointer?, _ group: Int64,
  _ outCoefficients: UnsafeMutablePointer<muon_coefficients>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outCoefficients, "outCoefficients", capacity: capacity, count: outCount)
    let options = try unsafe withMuon(optimizer) { try $0.options(ofGroup: Int(group)) }
    let rows =
      if case .custom(let given) = options.backend { given } else {
        try options.backend.coefficients(steps: options.backendSteps)
      }
    result.write(cRows(rows))
  }
}

@c @implementation
public func muon_optimizer_get_lr(
  _ optimizer: OpaquePointer?, _ group: Int64, _ outLr: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outLr, "outLr") {
    unsafe try withOptimizer(optimizer) {
      try $0.learningRate(ofGroup: Int(group))
    }
  }
}

@c @implementation
public func muon_optimizer_set_lr(
  _ optimizer: OpaquePointer?, _ group: Int64, _ lr: Double
) -> muon_status {
  guarded {
    try unsafe withOptimizer(optimizer) { try $0.setLearningRate(lr, ofGroup: Int(group)) }
  }
}

@c @implementation
public func muon_optimizer_get_initial_lr(
  _ optimizer: OpaquePointer?, _ group: Int64, _ outLr: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outLr, "outLr") {
    unsafe try withOptimizer(optimizer) {
      try $0.initialLearningRate(ofGroup: Int(group)) ?? .nan
    }
  }
}

@c @implementation
public func muon_optimizer_set_initial_lr(
  _ optimizer: OpaquePointer?, _ group: Int64, _ lr: Double
) -> muon_status {
  guarded {
    try unsafe withOptimizer(optimizer) {
      try $0.setInitialLearningRate(lr.isNaN ? nil : lr, ofGroup: Int(group))
    }
  }
}

@c @implementation
public func muon_optimizer_get_initial_value(
  _ optimizer: OpaquePointer?, _ group: Int64, _ option: UnsafePointer<CChar>?,
  _ outValue: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outValue, "outValue") {
    let option = try ScheduledOption(named: try unsafe string(option, "option"))
    return unsafe try withOptimizer(optimizer) {
      try $0.knownInitialValue(of: option, ofGroup: Int(group)) ?? .nan
    }
  }
}

@c @implementation
public func muon_optimizer_set_initial_value(
  _ optimizer: OpaquePointer?, _ group: Int64, _ option: UnsafePointer<CChar>?, _ value: Double
) -> muon_status {
  guarded {
    let option = try ScheduledOption(named: try unsafe string(option, "option"))
    try unsafe withOptimizer(optimizer) {
      try $0.noteInitialValue(value.isNaN ? nil : value, of: option, ofGroup: Int(group))
    }
  }
}

@c @implementation
public func muon_optimizer_get_grad_scale(
  _ optimizer: OpaquePointer?, _ outScale: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outScale, "outScale") {
    unsafe try withOptimizer(optimizer) { $0.gradientScale }
  }
}

@c @implementation
public func muon_optimizer_set_grad_scale(
  _ optimizer: OpaquePointer?, _ scale: Double
) -> muon_status {
  guarded { try unsafe withOptimizer(optimizer) { try $0.setGradientScale(scale) } }
}

@c @implementation
public func muon_optimizer_get_nonfinite_policy(
  _ optimizer: OpaquePointer?, _ outPolicy: UnsafeMutablePointer<muon_nonfinite_policy>?
) -> muon_status {
  unsafe guarded(outPolicy, "outPolicy") {
    unsafe try muon_nonfinite_policy(
      named: try withOptimizer(optimizer) { $0.nonFinitePolicy }.cName)
  }
}

@c @implementation
public func muon_optimizer_set_nonfinite_policy(
  _ optimizer: OpaquePointer?, _ policy: muon_nonfinite_policy
) -> muon_status {
  guarded {
    let policy = try NonFinitePolicy(policy, "the policy")
    try unsafe withOptimizer(optimizer) { $0.nonFinitePolicy = policy }
  }
}

@c @implementation
public func muon_optimizer_get_skipped_steps(
  _ optimizer: OpaquePointer?, _ outCount: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outCount, "outCount") {
    unsafe Int64(try withOptimizer(optimizer) { $0.skippedSteps })
  }
}

@c @implementation
public func muon_optimizer_get_scratch_bytes(
  _ optimizer: OpaquePointer?, _ outBytes: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outBytes, "outBytes") { unsafe try withOptimizer(optimizer) { $0.scratchBytes } }
}
