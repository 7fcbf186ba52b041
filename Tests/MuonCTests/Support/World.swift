import CMuon
import Testing

/// A handle as the number it is, so that tests can also make one up.
struct Handle: Hashable {
  let bits: UInt

  init(bits: UInt) { self.bits = bits }

  @safe init(_ pointer: OpaquePointer?) { bits = UInt(bitPattern: pointer) }

  /// What a `create` function writes.
  @safe init(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ create: (UnsafeMutablePointer<OpaquePointer?>) -> muon_status
  ) {
    var handle: OpaquePointer? = nil
    expectOK(unsafe create(&handle), sourceLocation: sourceLocation)
    self.init(handle)
  }

  var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: bits) }
}

/// One of everything: live handles, handles that are not, and memory for arguments.
final class World {
  let memory = Memory()
  /// A Muon with a 2×3 parameter, and an AdamW with one of 6 elements.
  let muon, adamW: Handle
  let schedule: Handle
  /// Drives the Muon.
  let scheduler: Handle
  /// Destroyed: an optimizer, a schedule, and a scheduler.
  let stale: [Handle]

  init() {
    let muon = Handle { unsafe muon_optimizer_create_muon(nil, $0) }
    let adamW = Handle { unsafe muon_optimizer_create_adamw(nil, $0) }
    let schedule = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
    var driven = unsafe muon.pointer
    scheduler = Handle { unsafe muon_scheduler_create(schedule.pointer, &driven, 1, $0) }
    let shapes: [(Handle, [Int64])] = [(muon, [2, 3]), (adamW, [6])]
    for (optimizer, shape) in shapes {
      var param = unsafe parameter(memory, shape)
      expectOK(unsafe muon_optimizer_add_param(optimizer.pointer, 0, &param, nil))
    }
    stale = [
      Handle { unsafe muon_optimizer_create_adamw(nil, $0) },
      Handle { unsafe muon_schedule_create_cosine(10, 0, $0) },
      Handle { unsafe muon_scheduler_create(schedule.pointer, &driven, 1, $0) },
    ]
    expectOK(unsafe muon_optimizer_destroy(stale[0].pointer))
    expectOK(unsafe muon_schedule_destroy(stale[1].pointer))
    expectOK(unsafe muon_scheduler_destroy(stale[2].pointer))
    (self.muon, self.adamW, self.schedule) = (muon, adamW, schedule)
  }

  /// Some of them may have been destroyed by the call that was tested.
  deinit {
    unsafe muon_scheduler_destroy(scheduler.pointer)
    unsafe muon_schedule_destroy(schedule.pointer)
    unsafe muon_optimizer_destroy(adamW.pointer)
    unsafe muon_optimizer_destroy(muon.pointer)
  }
}

/// Gives a parameter state in memory of the caller's, as many elements as its data has.
func giveState(
  _ param: inout muon_param, _ memory: Memory, _ state: [(String, UnsafeMutablePointer<Float>?)]
) {
  let count = unsafe param.data_count
  let list = unsafe state.map { name, data in
    unsafe muon_state_buffer(
      name: memory.text(name.utf8), data: UnsafeMutableRawPointer(data), count: count)
  }
  unsafe param.state = unsafe UnsafePointer(memory.array(list))
  unsafe param.state_count = state.count
}

/// A parameter with the values and the gradient 1, 2, 3..., in memory of its own.
func parameter(_ memory: Memory, _ shape: [Int64]) -> muon_param {
  var param = unsafe muon_param()
  expectOK(unsafe muon_param_init(&param, MemoryLayout<muon_param>.size))
  let count = shape.reduce(1, *)
  let values = (0..<count).map { Float($0) + 1 }
  unsafe param.ndim = Int32(shape.count)
  unsafe param.shape = unsafe UnsafePointer(memory.array(shape))
  unsafe param.data = unsafe UnsafeMutableRawPointer(memory.array(values))
  unsafe param.data_count = Int(count)
  unsafe param.grad = unsafe UnsafeMutableRawPointer(memory.array(values))
  unsafe param.grad_count = Int(count)
  return unsafe param
}
