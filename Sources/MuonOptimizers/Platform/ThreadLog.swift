internal import CMuonShims

/// A thread's part in the log.
@safe
struct ThreadLog {
  private let state: UnsafeMutablePointer<muon_shim_log>

  private init() { unsafe state = muon_shim_log_thread() }

  /// This thread's.
  static var current: ThreadLog { ThreadLog() }

  /// How many calls keep its messages back.
  var held: Int32 {
    get { unsafe state.pointee.held }
    nonmutating set { unsafe state.pointee.held = newValue }
  }

  /// Whether it is inside the handler.
  var isInside: Bool {
    get { unsafe state.pointee.is_inside != 0 }
    nonmutating set { unsafe state.pointee.is_inside = newValue ? 1 : 0 }
  }

  /// The messages that are kept back, which it owns.
  func pending<Messages: AnyObject>(_ type: Messages.Type) -> Messages? {
    unsafe state.pointee.pending.map {
      unsafe Unmanaged<Messages>.fromOpaque($0).takeUnretainedValue()
    }
  }

  func keep(_ messages: some AnyObject) {
    unsafe state.pointee.pending = Unmanaged.passRetained(messages).toOpaque()
  }

  /// Gives the messages back, and has none then.
  func takePending<Messages: AnyObject>(_ type: Messages.Type) -> Messages? {
    guard let pending = unsafe state.pointee.pending else { return nil }
    unsafe state.pointee.pending = nil
    return unsafe Unmanaged<Messages>.fromOpaque(pending).takeRetainedValue()
  }
}
