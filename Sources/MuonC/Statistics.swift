// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_set_statistics_level(
  _ optimizer: OpaquePointer?, _ statistics: muon_statistics_level
) -> muon_status {
  guarded {
    let level = try StatisticsLevel(statistics, "statistics")
    try unsafe withOptimizer(optimizer) { $0.statisticsLevel = level }
  }
}

@c @implementation
public func muon_optimizer_get_statistics_level(
  _ optimizer: OpaquePointer?, _ outStatistics: UnsafeMutablePointer<muon_statistics_level>?
) -> muon_status {
  unsafe guarded(outStatistics, "outStatistics") {
    let level = unsafe try withOptimizer(optimizer) { $0.statisticsLevel }
    return try muon_statistics_level(named: level.cName)
  }
}

/// What is not known is NaN.
private func cStatistics(_ statistics: ParameterStatistics?) -> muon_param_statistics {
  muon_param_statistics(
    struct_size: MemoryLayout<muon_param_statistics>.size,
    step: Int64(statistics?.step ?? 0),
    grad_norm: statistics?.gradientNorm ?? .nan,
    update_rms: statistics?.updateRMS ?? .nan,
    effective_lr: statistics?.effectiveLearningRate ?? .nan,
    orthogonality_error: statistics?.orthogonalityError ?? .nan)
}

@c @implementation
public func muon_param_statistics_init(
  _ outStatistics: UnsafeMutablePointer<muon_param_statistics>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outStatistics, "outStatistics", struct_size) { cStatistics(nil) }
}

@c @implementation
public func muon_optimizer_get_param_statistics(
  _ optimizer: OpaquePointer?, _ param: Int64,
  _ outStatistics: UnsafeMutablePointer<muon_param_statistics>?
) -> muon_status {
  guarded {
    let out = try unsafe required(outStatistics, "outStatistics")
    let size = try unsafe structSize(UnsafePointer(out), "outStatistics")
    let statistics = unsafe cStatistics(
      try withOptimizer(optimizer) { try $0.statistics(ofParameter: Int(param)) })
    unsafe writeStruct(statistics, to: out, size: size)
  }
}
