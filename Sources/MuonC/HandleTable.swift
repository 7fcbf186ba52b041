internal import CMuon
internal import MuonOptimizers

/// What a handle stands for. A call on it has it for itself.
///
/// Unchecked: the value is only reached through the lock.
final class Handled<Value>: @unchecked Sendable {
  /// With whether the handle lives.
  private let lock = Lock(true)
  private let kind: HandleTable.Kind
  /// To be used inside `use` and `hold` only.
  let value: Value

  init(_ value: Value, _ kind: HandleTable.Kind) {
    self.value = value
    self.kind = kind
  }

  /// For a call on the handle, which may have been destroyed since it was looked up.
  func use<Result>(_ body: (Value) throws -> Result) throws -> Result {
    try requireFree()
    return try lock.withLock { lives in
      guard lives else { throw HandleTable.invalid(kind) }
      return try body(value)
    }
  }

  /// For others that hold on to the object, whether its handle lives or not.
  func hold<Result>(_ body: (Value) throws -> Result) throws -> Result {
    try requireFree()
    return try lock.withLock { _ in try body(value) }
  }

  /// Refuses a call from a callback of another one on the same handle, which would wait for ever.
  func requireFree() throws {
    guard lock.isHeldByThisThread else { return }
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT,
      "this thread is in a call on the \(kind.name): a callback must not use it")
  }

  /// After this `use` refuses. `cleanUp` comes after the calls that are under way.
  func end(_ cleanUp: (Value) -> Void) {
    lock.withLock { lives in
      lives = false
      cleanUp(value)
    }
  }
}

/// The number that the C side holds as a pointer. It is not an address but, from its highest bit: 32
/// bits of generation, 24 of slot, 7 of kind, and a 1, so that it is no aligned address either.
struct Handle {
  let bits: UInt

  init(_ pointer: OpaquePointer?) { bits = UInt(bitPattern: pointer) }

  init(generation: UInt32, slot: Int, kind: HandleTable.Kind) {
    bits = UInt(generation) << 32 | UInt(slot) << 8 | kind.rawValue << 1 | 1
  }

  var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
  var slot: Int { Int(bits >> 8 & 0xFF_FFFF) }
  var isNull: Bool { bits == 0 }
  var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: bits) }

  func has(_ kind: HandleTable.Kind) -> Bool { bits & 0xFF == kind.rawValue << 1 | 1 }
}

/// All live handles. A slot's generation grows when its handle is destroyed, which makes every older
/// handle of that slot stale.
final class HandleTable: Sendable {
  static let shared = HandleTable()

  enum Kind: UInt, Sendable {
    case optimizer = 1
    case schedule = 2
    case scheduler = 3

    var name: String {
      switch self {
      case .optimizer: "muon_optimizer"
      case .schedule: "muon_schedule"
      case .scheduler: "muon_scheduler"
      }
    }
  }

  private struct Slot: Sendable {
    var generation: UInt32 = 1
    var kind = Kind.optimizer
    var object: (any AnyObject & Sendable)? = nil
  }

  private struct State: Sendable {
    var slots: [Slot] = []
    var free: [Int] = []

    func index(_ handle: Handle, _ kind: Kind) throws -> Int {
      guard !handle.isNull else { throw null("the \(kind.name)") }
      guard handle.has(kind), handle.slot < slots.count,
        slots[handle.slot].generation == handle.generation, slots[handle.slot].kind == kind,
        slots[handle.slot].object != nil
      else { throw HandleTable.invalid(kind) }
      return handle.slot
    }

    /// Slots that are in use from now on.
    mutating func take(_ count: Int) throws -> [Int] {
      while free.count < count {
        guard slots.count < HandleTable.maximumSlots else {
          throw CallError(
            MUON_ERR_OUT_OF_MEMORY,
            "there are \(slots.count) live handles, the most there can be")
        }
        try requireMemory(for: slots.count, each: 2 * MemoryLayout<Slot>.stride)
        free.append(slots.count)
        slots.append(Slot())
      }
      let taken = Array(free.suffix(count))
      free.removeLast(count)
      return taken
    }
  }

  private static let maximumSlots = 1 << 24
  private let state = Lock(State(), heldAcrossForks: true)

  /// See `FirstUse`.
  func prepare() { state.withLock { _ in } }

  func insert(_ object: any AnyObject & Sendable, _ kind: Kind) throws -> Handle {
    try insert(1, kind) { [object] }[0]
  }

  /// Handles for the objects that `make` returns, `count` of them. They are taken before it is called:
  /// nothing that it does has to be undone for want of one.
  func insert(
    _ count: Int, _ kind: Kind, _ make: () throws -> [any AnyObject & Sendable]
  ) throws -> [Handle] {
    let taken = try state.withLock { try $0.take(count) }
    let objects: [any AnyObject & Sendable]
    do { objects = try make() } catch {
      state.withLock { $0.free += taken }
      throw error
    }
    return state.withLock { state in
      zip(taken, objects).map { index, object in
        state.slots[index].kind = kind
        state.slots[index].object = object
        return Handle(generation: state.slots[index].generation, slot: index, kind: kind)
      }
    }
  }

  func object(_ handle: Handle, _ kind: Kind) throws -> any AnyObject & Sendable {
    try state.withLock { state in
      let index = try state.index(handle, kind)
      guard let object = state.slots[index].object else { throw HandleTable.invalid(kind) }
      return object
    }
  }

  /// Ends a handle. The object goes when the last call that uses it returns.
  func remove(_ handle: Handle, _ kind: Kind) throws {
    // Released after the lock: freeing memory takes its time.
    let object = try state.withLock { state in
      let index = try state.index(handle, kind)
      defer {
        state.slots[index].object = nil
        // A slot whose generations are used up is not used again.
        if state.slots[index].generation < .max {
          state.slots[index].generation += 1
          state.free.append(index)
        }
      }
      return state.slots[index].object
    }
    _ = object
  }

  static func invalid(_ kind: Kind) -> CallError {
    CallError(
      MUON_ERR_INVALID_HANDLE, "not a live \(kind.name): destroyed, of another kind, or never made")
  }
}
