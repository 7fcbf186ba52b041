/// Writes a checkpoint, front to back.
struct CheckpointWriter {
  private let contents: CheckpointContents
  private let header: [UInt8]
  /// Of the whole file.
  let byteCount: Int

  /// - Parameter checksums: false for one that is only to be measured.
  init(
    _ run: TrainingRun, _ options: Checkpoint.Options, checksums: Bool = true
  ) throws(MuonError) {
    contents = try CheckpointContents(run, options)
    var writer = HeaderWriter()
    for field in contents.fields { writer.add(field.key, field.value) }
    for tensor in contents.tensors {
      let checksum =
        checksums
        ? unsafe Checksum.text(of: tensor.elements)
        : String(repeating: "0", count: Checksum.digitCount)
      writer.add(CheckpointFormat.Key.checksum(tensor.name), checksum)
    }
    var end = 0
    for tensor in contents.tensors {
      let begin = end
      let (sum, overflow) = unsafe begin.addingReportingOverflow(tensor.elements.count)
      // Leaves room for the header.
      guard !overflow, sum <= Int.max / 2 else {
        throw MuonError(
          .unsupported, "the tensors of this checkpoint are more than a file can hold")
      }
      end = sum
      writer.addTensor(tensor.name, tensor.elementType, tensor.shape, offsets: begin..<end)
    }
    try writer.finish()
    header = writer.bytes
    byteCount = header.count + end
  }

  /// Hands out the file in pieces.
  @unsafe
  func write(
    _ progress: inout CheckpointProgress,
    to sink: (UnsafeRawBufferPointer) throws(MuonError) -> Void
  ) throws(MuonError) {
    func send(_ bytes: UnsafeRawBufferPointer) throws(MuonError) {
      let count = bytes.count
      for done in stride(from: 0, to: count, by: CheckpointProgress.step) {
        let end = done + min(CheckpointProgress.step, count - done)
        try unsafe sink(UnsafeRawBufferPointer(rebasing: bytes[done..<end]))
        try progress.advance(by: end - done)
      }
    }
    try unsafe header.span.bytes.withUnsafeBytes { (bytes) throws(MuonError) in
      try unsafe send(bytes)
    }
    for tensor in contents.tensors { try unsafe send(tensor.elements) }
  }
}

/// Tells a caller how far a checkpoint is, and hears whether to go on.
struct CheckpointProgress {
  /// Bytes between two reports.
  static let step = 1 << 22

  private let report: ((_ done: Int, _ total: Int) -> Bool)?
  private let total: Int
  private var done = 0

  init(total: Int, _ report: ((_ done: Int, _ total: Int) -> Bool)?) {
    self.total = total
    self.report = report
  }

  mutating func advance(by bytes: Int) throws(MuonError) {
    done += bytes
    guard let report, !report(done, total) else { return }
    throw MuonError(
      .cancelled, "cancelled by its progress callback, after \(done) of \(total) bytes")
  }
}
