// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_checkpoint_options_init(
  _ outOptions: UnsafeMutablePointer<muon_checkpoint_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    let defaults = Checkpoint.Options()
    var options = unsafe muon_checkpoint_options()
    unsafe options.include_data = defaults.includesData ? 1 : 0
    unsafe options.allow_missing = defaults.allowsMissing ? 1 : 0
    unsafe options.allow_extra = defaults.allowsExtra ? 1 : 0
    unsafe options.allow_rewritten = defaults.allowsRewritten ? 1 : 0
    return unsafe options
  }
}

/// What every call on a checkpoint is given, with the locks of the run held.
private struct CheckpointCall {
  let optimizers: [Optimizer]
  let schedulers: [Scheduler]
  let options: Checkpoint.Options
  let progress: Checkpoint.Progress?
}

private func withCall<Result>(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ optimizerCount: Int,
  _ schedulers: UnsafePointer<OpaquePointer?>?, _ schedulerCount: Int,
  _ options: UnsafePointer<muon_checkpoint_options>?, _ body: (CheckpointCall) throws -> Result
) throws -> Result {
  var chosen = Checkpoint.Options()
  var progress: Checkpoint.Progress?
  if unsafe options != nil {
    let c = try unsafe readStruct(options, "options")
    chosen.includesData = try unsafe flag(c.include_data, "include_data")
    chosen.allowsMissing = try unsafe flag(c.allow_missing, "allow_missing")
    chosen.allowsExtra = try unsafe flag(c.allow_extra, "allow_extra")
    chosen.allowsRewritten = try unsafe flag(c.allow_rewritten, "allow_rewritten")
    if let report = unsafe c.progress {
      progress = { unsafe report(UInt64($0), UInt64($1), c.progress_context) == 0 }
    }
  }
  let optimizers = try unsafe distinctOptimizers(optimizers, optimizerCount)
  let schedulers = try unsafe distinctSchedulers(schedulers, schedulerCount)
  return try withRun(schedulers, optimizers) {
    try body(
      CheckpointCall(
        optimizers: optimizers.map(\.value), schedulers: schedulers.map(\.value.scheduler),
        options: chosen, progress: progress))
  }
}

/// Memory of the caller's. NULL will do for none.
@unsafe
private func bytes(
  _ pointer: UnsafeRawPointer?, count: Int, _ name: String
) throws -> UnsafeRawBufferPointer {
  guard let pointer = unsafe pointer else {
    guard count == 0 else { throw null(name) }
    return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  }
  guard count >= 0, !UInt(bitPattern: pointer).addingReportingOverflow(UInt(count)).overflow else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT,
      "\(name): \(UInt(bitPattern: count)) bytes go past the end of the address space")
  }
  return unsafe UnsafeRawBufferPointer(start: pointer, count: count)
}

@c @implementation
public func muon_checkpoint_save(
  _ path: UnsafePointer<CChar>?, _ optimizers: UnsafePointer<OpaquePointer?>?,
  _ optimizer_count: Int, _ schedulers: UnsafePointer<OpaquePointer?>?, _ scheduler_count: Int,
  _ options: UnsafePointer<muon_checkpoint_options>?
) -> muon_status {
  guarded {
    let path = try unsafe string(path, "path")
    try unsafe withCall(optimizers, optimizer_count, schedulers, scheduler_count, options) {
      try Checkpoint.save(
        to: path, optimizers: $0.optimizers, schedulers: $0.schedulers, options: $0.options,
        progress: $0.progress)
    }
  }
}

@c @implementation
public func muon_checkpoint_load(
  _ path: UnsafePointer<CChar>?, _ optimizers: UnsafePointer<OpaquePointer?>?,
  _ optimizer_count: Int, _ schedulers: UnsafePointer<OpaquePointer?>?, _ scheduler_count: Int,
  _ options: UnsafePointer<muon_checkpoint_options>?
) -> muon_status {
  guarded {
    let path = try unsafe string(path, "path")
    try unsafe withCall(optimizers, optimizer_count, schedulers, scheduler_count, options) {
      try Checkpoint.load(
        from: path, optimizers: $0.optimizers, schedulers: $0.schedulers, options: $0.options,
        progress: $0.progress)
    }
  }
}

@c @implementation
public func muon_checkpoint_save_memory(
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ optimizer_count: Int,
  _ schedulers: UnsafePointer<OpaquePointer?>?, _ scheduler_count: Int,
  _ options: UnsafePointer<muon_checkpoint_options>?, _ outBytes: UnsafeMutableRawPointer?,
  _ capacity: Int, _ outSize: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outSize, "outSize") {
    let memory = try unsafe UnsafeMutableRawBufferPointer(
      mutating: bytes(UnsafeRawPointer(outBytes), count: capacity, "outBytes"))
    return try unsafe withCall(
      optimizers, optimizer_count, schedulers, scheduler_count, options
    ) {
      guard capacity > 0 else {
        return try Checkpoint.byteCount(
          of: $0.optimizers, schedulers: $0.schedulers, options: $0.options)
      }
      return try unsafe Checkpoint.save(
        to: memory, optimizers: $0.optimizers, schedulers: $0.schedulers, options: $0.options,
        progress: $0.progress)
    }
  }
}

@c @implementation
public func muon_checkpoint_load_memory(
  _ data: UnsafeRawPointer?, _ size: Int, _ optimizers: UnsafePointer<OpaquePointer?>?,
  _ optimizer_count: Int, _ schedulers: UnsafePointer<OpaquePointer?>?, _ scheduler_count: Int,
  _ options: UnsafePointer<muon_checkpoint_options>?
) -> muon_status {
  guarded {
    let memory = try unsafe bytes(data, count: size, "data")
    try unsafe withCall(optimizers, optimizer_count, schedulers, scheduler_count, options) {
      try unsafe Checkpoint.load(
        memory, optimizers: $0.optimizers, schedulers: $0.schedulers, options: $0.options,
        progress: $0.progress)
    }
  }
}
