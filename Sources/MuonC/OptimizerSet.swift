internal import CMuon
internal import CMuonShims
internal import MuonOptimizers

/// The optimizers of a call that works on all of them as one.
@safe
struct OptimizerSet {
  /// In the caller's order, and in that of their addresses; each is retained once. On the stack, since a step
  /// allocates nothing.
  private let handles, sorted: UnsafeMutablePointer<muon_shim_pointers>
  private(set) var count = 0

  fileprivate init(
    _ handles: UnsafeMutablePointer<muon_shim_pointers>,
    _ sorted: UnsafeMutablePointer<muon_shim_pointers>
  ) {
    (unsafe self.handles, unsafe self.sorted) = unsafe (handles, sorted)
  }

  fileprivate mutating func append(_ handle: OptimizerHandle) throws {
    let pointer = unsafe UnsafeRawPointer(Unmanaged.passUnretained(handle).toOpaque())
    var place = count
    while place > 0, let before = unsafe muon_shim_pointer(sorted, place - 1),
      unsafe pointer <= before
    {
      guard unsafe pointer != before else {
        throw CallError(MUON_ERR_INVALID_ARGUMENT, "optimizer \(count) is there twice")
      }
      unsafe muon_shim_set_pointer(sorted, place, before)
      place -= 1
    }
    unsafe muon_shim_set_pointer(sorted, place, pointer)
    unsafe muon_shim_set_pointer(handles, count, Unmanaged.passRetained(handle).toOpaque())
    count += 1
  }

  fileprivate func release() {
    for index in 0..<count {
      guard let pointer = unsafe muon_shim_pointer(handles, index) else { continue }
      unsafe Unmanaged<OptimizerHandle>.fromOpaque(pointer).release()
    }
  }

  /// Has all of them for itself, if none was destroyed. As with `withAll`, every call takes them in the order of
  /// their addresses, so that no two wait for each other.
  fileprivate func use(
    from place: Int = 0, _ body: (OptimizerSet) throws -> Void
  ) throws {
    guard place < count, let pointer = unsafe muon_shim_pointer(sorted, place) else {
      return try body(self)
    }
    let handle = unsafe Unmanaged<OptimizerHandle>.fromOpaque(pointer).takeUnretainedValue()
    try handle.use { _ in try use(from: place + 1, body) }
  }

  /// By its number in the caller's list, which is in range.
  subscript(index: Int) -> Optimizer {
    return unsafe Unmanaged<OptimizerHandle>.fromOpaque(
      muon_shim_pointer(handles, index).unsafelyUnwrapped
    ).takeUnretainedValue().value
  }
}

/// Has the optimizers of a list for itself, none of them twice; there may be none.
func withSet(
  _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ body: (OptimizerSet) throws -> Void
) throws {
  let list = try unsafe list(handles, count: count, most: maximumDriven, "optimizers")
  var (inOrder, sorted) = (muon_shim_pointers(), muon_shim_pointers())
  try unsafe withUnsafeMutablePointer(to: &inOrder) { inOrder in
    try unsafe withUnsafeMutablePointer(to: &sorted) { sorted in
      var set = unsafe OptimizerSet(inOrder, sorted)
      defer { set.release() }
      for index in 0..<count { try set.append(try unsafe optimizerHandle(list[index])) }
      try set.use(body)
    }
  }
}
