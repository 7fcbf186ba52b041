// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

/// Makes a schedule and writes its handle.
private func create(
  _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?, _ make: () throws -> Schedule
) -> muon_status {
  unsafe guarded(outSchedule, "outSchedule") {
    unsafe try HandleTable.shared.insert(ScheduleHandle(try make(), .schedule), .schedule)
      .pointer
  }
}

/// The schedules behind a list of handles.
private func schedules(
  _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int
) throws -> [Schedule] {
  try unsafe list(handles, count: count, "schedules").map { try unsafe schedule($0) }
}

@c @implementation
public func muon_schedule_create_linear(
  _ start_factor: Double, _ end_factor: Double, _ total_iters: Int64,
  _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) {
    try .linear(
      startFactor: start_factor, endFactor: end_factor, totalIterations: Int(total_iters))
  }
}

@c @implementation
public func muon_schedule_create_constant(
  _ factor: Double, _ total_iters: Int64, _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) {
    try .constant(factor: factor, totalIterations: Int(total_iters))
  }
}

@c @implementation
public func muon_schedule_create_cosine(
  _ t_max: Int64, _ eta_min: Double, _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) { try .cosine(tMax: Int(t_max), etaMin: eta_min) }
}

@c @implementation
public func muon_schedule_create_trapezoid(
  _ warmup_steps: Int64, _ decay_steps: Int64, _ total_steps: Int64, _ start_factor: Double,
  _ end_factor: Double, _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) {
    try .trapezoid(
      warmupSteps: Int(warmup_steps), decaySteps: Int(decay_steps), totalSteps: Int(total_steps),
      startFactor: start_factor, endFactor: end_factor)
  }
}

@c @implementation
public func muon_schedule_create_sequential(
  _ schedules: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ milestones: UnsafePointer<Int64>?, _ milestone_count: Int,
  _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) {
    try .sequential(
      try unsafe MuonC.schedules(schedules, count),
      milestones: unsafe try list(milestones, count: milestone_count, "milestones").map {
        Int($0)
      })
  }
}

@c @implementation
public func muon_schedule_create_chained(
  _ schedules: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ outSchedule: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(outSchedule) { try .chained(try unsafe MuonC.schedules(schedules, count)) }
}

@c @implementation
public func muon_schedule_get_rate(
  _ schedule: OpaquePointer?, _ base_lr: Double, _ step: Int64,
  _ outRate: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outRate, "outRate") {
    unsafe try MuonC.schedule(schedule).rate(base: base_lr, step: Int(step))
  }
}

@c @implementation
public func muon_schedule_destroy(_ schedule: OpaquePointer?) -> muon_status {
  guardedWithoutMemory {
    guard unsafe schedule != nil else { return }
    try unsafe HandleTable.shared.remove(Handle(schedule), .schedule)
  }
}
