/// Saves a training run in one file, and goes on from it as if it had never stopped: to the bit.
///
/// A checkpoint holds any number of optimizers and schedulers: the parameters, their state and step
/// counts, the options of their groups, learning rates, and the steps of the schedulers. It is a
/// safetensors file, which Python's `safetensors` opens, too: a tensor `optimizers.0.momentum.w` is the
/// momentum of the parameter `w` in the first optimizer. Every byte of it is under a checksum.
///
/// Loading needs a run like the one that was saved, made by the same code: optimizers and schedulers are
/// found by their order, parameters by their names. What differs first is what the error names; nothing has
/// changed then.
public enum Checkpoint {
  /// What goes into a checkpoint, and what may differ when it is loaded.
  public struct Options: Hashable, Sendable {
    /// Whether the parameters themselves are saved, and loaded: true. Their state always is.
    public var includesData: Bool
    /// Whether the run may have parameters, groups, optimizers and schedulers that the checkpoint lacks;
    /// they stay as they are. False.
    public var allowsMissing: Bool
    /// Whether the checkpoint may have parameters, groups, optimizers and schedulers that the run lacks;
    /// they are left out. False.
    public var allowsExtra: Bool
    /// Whether the checkpoint may have been rewritten by another program of safetensors, which keeps the
    /// metadata but not the checksum of the header: what was damaged there can then not be told. The checksums
    /// of tensors are looked at where they are still there. False.
    public var allowsRewritten: Bool

    /// Options with these values.
    public init(
      includesData: Bool = true, allowsMissing: Bool = false, allowsExtra: Bool = false,
      allowsRewritten: Bool = false
    ) {
      self.includesData = includesData
      self.allowsMissing = allowsMissing
      self.allowsExtra = allowsExtra
      self.allowsRewritten = allowsRewritten
    }
  }

  /// Hears how many bytes are done, of how many; false cancels. It must not use what is saved or loaded.
  public typealias Progress = (_ done: Int, _ total: Int) -> Bool

  /// Saves to a file. The file is there whole, or as it was before.
  ///
  /// The new file is written beside the old one, flushed to the disk, and renamed to it. It is for those
  /// who could use the old one, or for fewer. A process that is killed meanwhile leaves a file behind whose
  /// name is that of the file, or its beginning where that is long, then `.tmp-` and more.
  ///
  /// - Parameters:
  ///   - path: A file that is there is replaced; so is a symbolic link.
  ///   - optimizers: Those of the run; the parameters of each have different names.
  ///   - schedulers: Those of the run; they drive no other optimizers.
  ///   - options: What goes into it.
  ///   - progress: Called after every few megabytes.
  /// - Throws: `io`; `invalidArgument` for two parameters of one name, for a scheduler of other optimizers, and
  ///   for one whose rate would not be finite; `unsupported` for what could not be loaded: too many
  ///   parameters or groups, too long names, steps past 2^53; `outOfMemory`; `cancelled`.
  public static func save(
    to path: String, optimizers: [Optimizer], schedulers: [Scheduler] = [],
    options: Options = Options(), progress: Progress? = nil
  ) throws(MuonError) {
    let writer = try CheckpointWriter(TrainingRun(optimizers, schedulers), options)
    try requirePath(path)
    let file = try AtomicFile(path)
    var progress = CheckpointProgress(total: writer.byteCount, progress)
    try unsafe writer.write(&progress) { (bytes) throws(MuonError) in
      try unsafe file.write(bytes)
    }
    try file.commit()
  }

  /// The bytes of the file that `save(to:optimizers:schedulers:options:progress:)` writes.
  ///
  /// - Throws: As that, without `io`.
  public static func bytes(
    of optimizers: [Optimizer], schedulers: [Scheduler] = [], options: Options = Options(),
    progress: Progress? = nil
  ) throws(MuonError) -> [UInt8] {
    let writer = try CheckpointWriter(TrainingRun(optimizers, schedulers), options)
    var progress = CheckpointProgress(total: writer.byteCount, progress)
    try requireMemory(for: writer.byteCount, each: 1)
    var result: [UInt8] = []
    result.reserveCapacity(writer.byteCount)
    try unsafe writer.write(&progress) { (bytes) throws(MuonError) in unsafe result += bytes }
    return result
  }

  /// Loads from a file, into a run like the one that was saved: all of it, or nothing.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - optimizers: In the order in which they were saved.
  ///   - schedulers: In the order in which they were saved, with the same schedules.
  ///   - options: What is loaded, and what may differ.
  ///   - progress: Called after every few megabytes.
  /// - Throws: `io`; `corrupt` for a file that is damaged or no checkpoint; `mismatch` with the first thing
  ///   that does not fit; `unsupported` for a later format, and as `Muon`; `outOfMemory`; `cancelled`;
  ///   `invalidArgument` as when saving.
  public static func load(
    from path: String, optimizers: [Optimizer], schedulers: [Scheduler] = [],
    options: Options = Options(), progress: Progress? = nil
  ) throws(MuonError) {
    try requirePath(path)
    let run = try TrainingRun(optimizers, schedulers)
    try CheckpointReader(FileSource(path), allowsRewritten: options.allowsRewritten).load(
      into: run, options, progress)
  }

  /// Loads from the bytes of a file, as `load(from:optimizers:schedulers:options:progress:)`.
  ///
  /// - Throws: As that, without `io`.
  public static func load(
    bytes: [UInt8], optimizers: [Optimizer], schedulers: [Scheduler] = [],
    options: Options = Options(), progress: Progress? = nil
  ) throws(MuonError) {
    try unsafe bytes.span.bytes.withUnsafeBytes { (bytes) throws(MuonError) in
      try unsafe load(
        bytes, optimizers: optimizers, schedulers: schedulers, options: options, progress: progress)
    }
  }
}

// MARK: - For C

extension Checkpoint {
  /// The size of the checkpoint in bytes.
  package static func byteCount(
    of optimizers: [Optimizer], schedulers: [Scheduler], options: Options
  ) throws(MuonError) -> Int {
    try CheckpointWriter(TrainingRun(optimizers, schedulers), options, checksums: false).byteCount
  }

  /// Writes it into memory of the caller's, and returns its size.
  @unsafe
  package static func save(
    to memory: UnsafeMutableRawBufferPointer, optimizers: [Optimizer], schedulers: [Scheduler],
    options: Options, progress: Progress?
  ) throws(MuonError) -> Int {
    let writer = try CheckpointWriter(TrainingRun(optimizers, schedulers), options)
    guard memory.count >= writer.byteCount else {
      throw MuonError(
        .invalidArgument,
        "the checkpoint has \(writer.byteCount) bytes, and there is room for \(memory.count)")
    }
    var progress = CheckpointProgress(total: writer.byteCount, progress)
    var done = 0
    try unsafe writer.write(&progress) { (bytes) throws(MuonError) in
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...]).copyMemory(from: bytes)
      done += bytes.count
    }
    return done
  }

  /// Loads it from memory of the caller's.
  @unsafe
  package static func load(
    _ memory: UnsafeRawBufferPointer, optimizers: [Optimizer], schedulers: [Scheduler],
    options: Options, progress: Progress?
  ) throws(MuonError) {
    let run = try TrainingRun(optimizers, schedulers)
    try unsafe CheckpointReader(
      MemorySource(bytes: memory), allowsRewritten: options.allowsRewritten
    ).load(into: run, options, progress)
  }

  /// A path that the system can be given.
  private static func requirePath(_ path: String) throws(MuonError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw MuonError(.invalidArgument, "a path must not be empty, and has no NUL in it")
    }
  }
}
