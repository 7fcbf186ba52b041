/// Reads a checkpoint into a training run: all of it, or nothing.
struct CheckpointReader {
  private let source: any ByteSource
  /// Where the tensors begin.
  private let start: Int
  private let header: CheckpointHeader

  /// Reads the header.
  ///
  /// - Parameter allowsRewritten: Whether it may be one that another program has written.
  /// - Throws: `corrupt`, `io`, `outOfMemory`.
  init(_ source: any ByteSource, allowsRewritten: Bool) throws(MuonError) {
    self.source = source
    var length = UInt64(0)
    guard source.byteCount >= 8 else {
      throw MuonError(
        .corrupt, "a checkpoint of \(source.byteCount) bytes is too short for its header")
    }
    var failure: MuonError?
    unsafe withUnsafeMutableBytes(of: &length) { bytes in
      do throws(MuonError) { try unsafe source.read(at: 0, into: bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    length = UInt64(littleEndian: length)
    let shortest = CheckpointFormat.opening.count + Checksum.digitCount
    guard length <= CheckpointFormat.maximumHeaderBytes, Int(length) <= source.byteCount - 8,
      Int(length) >= shortest
    else {
      throw MuonError(
        .corrupt,
        "not a checkpoint, or a damaged one: its header has \(length) bytes by its own word; "
          + "expected \(shortest) to "
          + "\(min(CheckpointFormat.maximumHeaderBytes, source.byteCount - 8))")
    }
    start = 8 + Int(length)
    let bytes = try Buffer<UInt8>(count: start)
    try unsafe source.read(at: 0, into: UnsafeMutableRawBufferPointer(bytes.elements.buffer))
    var wasRewritten = false
    do { try CheckpointReader.verify(bytes) } catch {
      guard allowsRewritten else { throw error }
      wasRewritten = true
      // The check has written into it.
      try unsafe source.read(at: 0, into: UnsafeMutableRawBufferPointer(bytes.elements.buffer))
    }
    // A key of 6 bytes is kept in 20, in an array that grows by doubling.
    try requireMemory(for: min(10 * start, CheckpointFormat.maximumHeaderMemory), each: 1)
    header = try CheckpointHeader(bytes, wasRewritten: wasRewritten)
    guard header.dataBytes == source.byteCount - start else {
      throw MuonError(
        .corrupt,
        "the checkpoint has \(source.byteCount - start) bytes of tensors; its header says "
          + "\(header.dataBytes)")
    }
  }

  /// Checks the checksum of the length and the header.
  private static func verify(_ bytes: Buffer<UInt8>) throws(MuonError) {
    let opening = CheckpointFormat.opening
    guard unsafe bytes.elements.buffer[8...].starts(with: opening) else {
      throw MuonError(
        .corrupt,
        "not a checkpoint of libmuon, or a damaged one: its header does not begin with "
          + String(decoding: opening, as: UTF8.self) + rewrittenHint)
    }
    let place = 8 + opening.count..<8 + opening.count + Checksum.digitCount
    let found = unsafe String(decoding: bytes.elements.buffer[place], as: UTF8.self)
    for index in place { unsafe bytes.elements.buffer[index] = UInt8(ascii: "0") }
    let expected = unsafe Checksum.text(of: UnsafeRawBufferPointer(bytes.elements.buffer))
    guard found == expected else {
      throw MuonError(
        .corrupt,
        "the header of the checkpoint is damaged, or was changed: its checksum is \(expected), "
          + "expected \(found)" + rewrittenHint)
    }
  }

  private static var rewrittenHint: String {
    "; one that another program has rewritten is loaded with allow_rewritten"
  }

  /// Loads it. What a run has is written after everything was read and found right.
  func load(
    into run: TrainingRun, _ options: Checkpoint.Options,
    _ report: ((_ done: Int, _ total: Int) -> Bool)?
  ) throws(MuonError) {
    let plan = try CheckpointPlan(header, run, options)
    var progress = CheckpointProgress(total: source.byteCount, report)
    try progress.advance(by: start)
    var staged: [(tensor: Int, bytes: Buffer<UInt8>)] = []
    for (index, tensor) in header.tensors.enumerated() {
      let bytes = try read(tensor, &progress)
      if unsafe plan.targets[index] != nil { staged.append((index, bytes)) }
    }
    // From here on nothing can fail.
    for (tensor, bytes) in staged {
      unsafe plan.targets[tensor]?.copyMemory(from: UnsafeRawBufferPointer(bytes.elements.buffer))
    }
    for change in plan.changes { change() }
  }

  /// Reads a tensor and checks its checksum.
  private func read(
    _ tensor: CheckpointHeader.Tensor, _ progress: inout CheckpointProgress
  ) throws(MuonError) -> Buffer<UInt8> {
    let count = tensor.offsets.count
    let bytes = try Buffer<UInt8>(count: count)
    let whole = unsafe UnsafeMutableRawBufferPointer(bytes.elements.buffer)
    for done in stride(from: 0, to: count, by: CheckpointProgress.step) {
      let end = done + min(CheckpointProgress.step, count - done)
      try unsafe source.read(
        at: start + tensor.offsets.lowerBound + done,
        into: UnsafeMutableRawBufferPointer(rebasing: whole[done..<end]))
      try progress.advance(by: end - done)
    }
    let name = header.text(tensor.name)
    let expected = try header.checksum(of: tensor)
    let found = unsafe Checksum.text(of: UnsafeRawBufferPointer(whole))
    guard expected == nil || found == expected else {
      throw MuonError(
        .corrupt,
        "the tensor \(name) of the checkpoint is damaged: its checksum is \(found), expected "
          + "\((expected ?? "").prefix(40))")
    }
    return bytes
  }
}
