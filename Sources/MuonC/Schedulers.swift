// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import CMuonShims
internal import MuonOptimizers

/// More optimizers or schedulers than one run has; their locks are taken one inside the other.
let maximumDriven = MUON_SHIM_MOST_POINTERS

/// The optimizers behind a list of handles, none of them twice.
func distinctOptimizers(
  _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int
) throws -> [OptimizerHandle] {
  try distinct(
    try unsafe list(handles, count: count, most: maximumDriven, "optimizers")
      .map { try unsafe optimizerHandle($0) }, "an optimizer")
}

/// The same for schedulers.
func distinctSchedulers(
  _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int
) throws -> [SchedulerHandle] {
  try distinct(
    try unsafe list(handles, count: count, most: maximumDriven, "schedulers")
      .map { try unsafe schedulerHandle($0) }, "a scheduler")
}

/// A lock is taken once: two of one would wait for each other.
private func distinct<Object: AnyObject>(_ objects: [Object], _ one: String) throws -> [Object] {
  guard Set(objects.map { ObjectIdentifier($0) }).count == objects.count else {
    throw CallError(MUON_ERR_INVALID_ARGUMENT, "\(one) is there twice")
  }
  return objects
}

@c @implementation
public func muon_scheduler_create(
  _ schedule: OpaquePointer?, _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ outScheduler: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe create(schedule, { .learningRate }, optimizers, count, outScheduler)
}

@c @implementation
public func muon_scheduler_create_for_option(
  _ schedule: OpaquePointer?, _ option: UnsafePointer<CChar>?,
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ outScheduler: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  let named = { try ScheduledOption(named: try unsafe string(option, "option")) }
  return unsafe create(schedule, named, optimizers, count, outScheduler)
}

private func create(
  _ schedule: OpaquePointer?, _ option: () throws -> ScheduledOption,
  _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ outScheduler: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe guarded(outScheduler, "outScheduler") {
    let option = try option()
    let schedule = try unsafe MuonC.schedule(schedule)
    let handles = try unsafe distinctOptimizers(optimizers, count)
    guard !handles.isEmpty else {
      throw CallError(MUON_ERR_INVALID_ARGUMENT, "a scheduler needs at least one optimizer")
    }
    let made = try HandleTable.shared.insert(1, .scheduler) {
      let driven = try withAll(handles) { optimizers in
        DrivenOptimizers(
          scheduler: try Scheduler(schedule, of: option, for: optimizers), handles: handles)
      }
      return [SchedulerHandle(driven, .scheduler)]
    }
    return unsafe made[0].pointer
  }
}

@c @implementation
public func muon_scheduler_step(_ scheduler: OpaquePointer?) -> muon_status {
  guarded { try unsafe withScheduler(scheduler) { try $0.step() } }
}

@c @implementation
public func muon_scheduler_get_step(
  _ scheduler: OpaquePointer?, _ outStep: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outStep, "outStep") {
    unsafe Int64(try withScheduler(scheduler) { $0.currentStep })
  }
}

@c @implementation
public func muon_scheduler_set_step(_ scheduler: OpaquePointer?, _ step: Int64) -> muon_status {
  guarded { try unsafe withScheduler(scheduler) { try $0.setStep(Int(step)) } }
}

@c @implementation
public func muon_scheduler_get_last_lr(
  _ scheduler: OpaquePointer?, _ outRates: UnsafeMutablePointer<Double>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(outRates, "outRates", capacity: capacity, count: outCount)
    result.write(try unsafe withScheduler(scheduler) { $0.lastRates })
  }
}

@c @implementation
public func muon_scheduler_destroy(_ scheduler: OpaquePointer?) -> muon_status {
  guardedWithoutMemory {
    guard unsafe scheduler != nil else { return }
    try unsafe HandleTable.shared.remove(Handle(scheduler), .scheduler)
  }
}
