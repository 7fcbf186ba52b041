internal import CMuon
internal import MuonOptimizers

/// The three kinds of handle, and how a call gets at what is behind them.
typealias OptimizerHandle = Handled<Optimizer>
typealias ScheduleHandle = Handled<Schedule>
typealias SchedulerHandle = Handled<DrivenOptimizers>

/// A scheduler, and the handles of the optimizers it drives, which it locks before it uses them.
struct DrivenOptimizers {
  let scheduler: Scheduler
  let handles: [OptimizerHandle]
}

func optimizerHandle(_ handle: OpaquePointer?) throws -> OptimizerHandle {
  guard
    let object = try unsafe HandleTable.shared.object(Handle(handle), .optimizer)
      as? OptimizerHandle
  else { throw CallError(MUON_ERR_INTERNAL, "an optimizer's handle holds something else") }
  return object
}

func withOptimizer<Result>(
  _ handle: OpaquePointer?, _ body: (Optimizer) throws -> Result
) throws -> Result {
  try unsafe optimizerHandle(handle).use(body)
}

func withMuon<Result>(_ handle: OpaquePointer?, _ body: (Muon) throws -> Result) throws -> Result {
  try unsafe withOptimizer(handle) { optimizer in
    guard let muon = optimizer as? Muon else { throw wrongKind("a Muon", optimizer) }
    return try body(muon)
  }
}

func withAdamW<Result>(
  _ handle: OpaquePointer?, _ body: (AdamW) throws -> Result
) throws -> Result {
  try unsafe withOptimizer(handle) { optimizer in
    guard let adamW = optimizer as? AdamW else { throw wrongKind("an AdamW", optimizer) }
    return try body(adamW)
  }
}

func schedulerHandle(_ handle: OpaquePointer?) throws -> SchedulerHandle {
  guard
    let object = try unsafe HandleTable.shared.object(Handle(handle), .scheduler)
      as? SchedulerHandle
  else { throw CallError(MUON_ERR_INTERNAL, "a scheduler's handle holds something else") }
  return object
}

func withScheduler<Result>(
  _ handle: OpaquePointer?, _ body: (Scheduler) throws -> Result
) throws -> Result {
  try unsafe schedulerHandle(handle).use { driven in
    try withAll(driven.handles) { _ in try body(driven.scheduler) }
  }
}

/// Has live schedulers and live optimizers for itself, the schedulers first as in `withScheduler`; of
/// each kind in the order of `withAll`.
func withRun<Result>(
  _ schedulers: [SchedulerHandle], _ optimizers: [OptimizerHandle], _ body: () throws -> Result
) throws -> Result {
  func take(_ rest: ArraySlice<OptimizerHandle>) throws -> Result {
    guard let first = rest.first else { return try body() }
    return try first.use { _ in try take(rest.dropFirst()) }
  }
  func take(_ rest: ArraySlice<SchedulerHandle>) throws -> Result {
    guard let first = rest.first else {
      return try take(optimizers.sorted { ObjectIdentifier($0) < ObjectIdentifier($1) }[...])
    }
    return try first.use { _ in try take(rest.dropFirst()) }
  }
  return try take(schedulers.sorted { ObjectIdentifier($0) < ObjectIdentifier($1) }[...])
}

/// A schedule is a value: a copy of it.
func schedule(_ handle: OpaquePointer?) throws -> Schedule {
  guard
    let object = try unsafe HandleTable.shared.object(Handle(handle), .schedule) as? ScheduleHandle
  else { throw CallError(MUON_ERR_INTERNAL, "a schedule's handle holds something else") }
  return try object.use { $0 }
}

/// Has all of these optimizers for itself. Every call takes them in the same order, that of their
/// addresses, so that no two wait for each other.
func withAll<Result>(
  _ handles: [OptimizerHandle], _ body: ([Optimizer]) throws -> Result
) throws -> Result {
  func take(_ rest: ArraySlice<OptimizerHandle>) throws -> Result {
    guard let first = rest.first else { return try body(handles.map(\.value)) }
    return try first.hold { _ in try take(rest.dropFirst()) }
  }
  return try take(handles.sorted { ObjectIdentifier($0) < ObjectIdentifier($1) }[...])
}

private func wrongKind(_ expected: String, _ optimizer: Optimizer) -> CallError {
  CallError(
    MUON_ERR_INVALID_HANDLE, "expected \(expected), the optimizer is \(optimizer.kind.rawValue)")
}
