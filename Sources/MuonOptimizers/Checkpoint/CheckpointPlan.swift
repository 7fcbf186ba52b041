/// What loading a checkpoint into a training run will do, after all of it was found to fit.
@safe
struct CheckpointPlan {
  /// By tensor of the checkpoint: where it goes; `nil` for one that is not wanted.
  private(set) var targets: [UnsafeMutableRawBufferPointer?]
  /// The changes beside the tensors. They cannot fail.
  private(set) var changes: [() -> Void] = []

  private let header: CheckpointHeader
  private let run: TrainingRun
  private let options: Checkpoint.Options
  private let hasData: Bool
  /// The tensors that belong to parameters of the run.
  private var known: [Bool]
  /// By optimizer and group: what schedules multiply, after loading.
  private var bases: [ScheduledOption: [[Double]]] = [:]

  private typealias Key = CheckpointFormat.Key

  /// - Throws: `mismatch` with the first difference; `corrupt` for a checkpoint that contradicts itself.
  init(
    _ header: CheckpointHeader, _ run: TrainingRun, _ options: Checkpoint.Options
  ) throws(MuonError) {
    (self.header, self.run, self.options) = (header, run, options)
    unsafe targets = unsafe Array(repeating: nil, count: header.tensors.count)
    known = Array(repeating: false, count: header.tensors.count)
    try CheckpointPlan.requireFormat(of: header)
    hasData = try header.flag(Key.data)
    guard hasData || !options.includesData else {
      throw MuonError(
        .mismatch,
        "the checkpoint was saved without the parameters themselves; expected them, or a call that "
          + "does not ask for them")
    }
    let optimizers = try count(Key.optimizers, run.optimizers.count)
    let schedulers = try count(Key.schedulers, run.schedulers.count)
    for (index, optimizer) in run.optimizers.enumerated() {
      for option in ScheduledOption.allCases {
        bases[option, default: []].append(CheckpointPlan.bases(option, of: optimizer))
      }
      if index < optimizers { try plan(optimizer, index) }
    }
    for (index, scheduler) in run.schedulers.enumerated() where index < schedulers {
      try plan(scheduler, index)
    }
    if !options.allowsExtra { try requireNothingElse() }
  }

  private static func requireFormat(of header: CheckpointHeader) throws(MuonError) {
    let name = try header.required(Key.format)
    guard name == CheckpointFormat.name else {
      throw header.wrong(Key.format, name, CheckpointFormat.name)
    }
    let version = try header.integer(Key.formatVersion, in: 1...Int.max)
    let library = try header.required(Key.libraryVersion)
    guard version == CheckpointFormat.version else {
      throw MuonError(
        .unsupported,
        "the checkpoint has format version \(version), of libmuon \(library); this library reads "
          + "version \(CheckpointFormat.version)")
    }
  }

  /// How many of something the checkpoint has; `present` are in the run.
  private func count(_ key: String, _ present: Int) throws(MuonError) -> Int {
    let saved = try header.integer(key, in: 0...CheckpointFormat.maximumFields)
    guard
      saved == present || saved < present && options.allowsMissing
        || saved > present && options.allowsExtra
    else {
      throw MuonError(
        .mismatch, "\(key): the checkpoint has \(saved), this training run has \(present)")
    }
    return saved
  }

  /// Requires that the checkpoint has nothing that was not asked for.
  private func requireNothingElse() throws(MuonError) {
    for index in run.optimizers.indices {
      if let name = header.firstUnread(Key.parameter(index, .steps, "")) {
        throw MuonError(
          .mismatch,
          "the checkpoint has a parameter \"\(name)\" of optimizer \(index), which this training "
            + "run has not")
      }
    }
    for (index, tensor) in header.tensors.enumerated() where !known[index] {
      throw MuonError(
        .corrupt, "the checkpoint has a tensor \(header.text(tensor.name)) that is of no parameter")
    }
    for tensor in header.tensors { _ = try header.checksum(of: tensor) }
    // Another program may have its own.
    if !header.wasRewritten, let key = header.firstUnread("") {
      throw MuonError(.corrupt, "the checkpoint has an unknown key \(key)")
    }
  }
}

// MARK: - Optimizers

extension CheckpointPlan {
  private static func bases(_ option: ScheduledOption, of optimizer: Optimizer) -> [Double] {
    (0..<optimizer.groupCount).compactMap { group in
      optimizer.initialValue(of: option, ofGroup: group)
        ?? optimizer.value(of: option, ofGroup: group)
    }
  }

  private mutating func plan(_ optimizer: Optimizer, _ index: Int) throws(MuonError) {
    let kind = try header.required(Key.optimizer(index, "kind"))
    guard kind == optimizer.kind.rawValue else {
      throw MuonError(
        .mismatch,
        "optimizer \(index) is \(optimizer.kind.rawValue), and \(kind.prefix(40)) in the checkpoint"
      )
    }
    let policy = try header.choice(
      Key.optimizer(index, "nonfinite"), of: NonFinitePolicy.allCases, \.rawValue)
    let skipped = try header.integer(
      Key.optimizer(index, "skipped_steps"), in: CheckpointFormat.steps)
    let groups = try count(Key.optimizer(index, "groups"), optimizer.groupCount)
    let restored = 0..<min(groups, optimizer.groupCount)
    var initial: [ScheduledOption: [Double?]] = [:]
    for option in ScheduledOption.allCases {
      for group in restored {
        initial[option, default: []].append(try initialValue(option, index, group))
      }
    }
    let replacement = try replacingOptions(of: optimizer, index, groups: restored)
    for (option, values) in initial {
      for group in restored where bases[option]?[index].indices.contains(group) == true {
        let present = try header.number(Key.group(index, group, option.rawValue))
        bases[option]?[index][group] = values[group] ?? present
      }
    }
    let isWhole = options.includesData && !options.allowsMissing
    changes.append {
      replacement.apply()
      optimizer.noteLoaded(whole: isWhole)
      optimizer.nonFinitePolicy = policy
      optimizer.skippedSteps = skipped
      for (option, values) in initial {
        for group in restored {
          optimizer.setInitialValue(values[group], of: option, ofGroup: group)
        }
      }
    }
    for (number, member) in optimizer.trained.enumerated() {
      try plan(
        optimizer, index, parameter: number, state: replacement.states[number] ?? member.state)
    }
  }

  /// Gives an optimizer the options that the checkpoint has for some of its groups.
  private func replacingOptions(
    of optimizer: Optimizer, _ index: Int, groups: Range<Int>
  ) throws(MuonError) -> OptionsReplacement {
    var options = optimizer.groupOptions
    for group in groups {
      options[group] = try header.options(like: options[group]) { Key.group(index, group, $0) }
    }
    return try CheckpointPlan.consistent { () throws(MuonError) in
      try optimizer.replacingOptions(options)
    }
  }

  private func initialValue(
    _ option: ScheduledOption, _ index: Int, _ group: Int
  ) throws(MuonError) -> Double? {
    let key = Key.group(index, group, "initial_" + option.rawValue)
    if option == .learningRate {
      guard try header.required(key) != CheckpointContents.none else { return nil }
    } else {
      // A run in which nothing drives it has no such key.
      guard try header.field(key) != nil else { return nil }
    }
    let value = try header.number(key)
    try CheckpointPlan.consistent { () throws(MuonError) in try option.require(value) }
    return value
  }

  private mutating func plan(
    _ optimizer: Optimizer, _ index: Int, parameter number: Int, state: [StateMemory]
  ) throws(MuonError) {
    let member = optimizer.trained[number]
    let name = member.parameter.name
    let label = "\(member.parameter.owner) of optimizer \(index) (\(optimizer.kind.rawValue))"
    let key = Key.parameter(index, .steps, name)
    guard try header.field(key) != nil else {
      if options.allowsMissing { return }
      let present = header.remainders(of: Key.parameter(index, .steps, ""))
      throw MuonError(
        .mismatch,
        "\(label) is not in the checkpoint, which has there: "
          + (present.isEmpty ? "none" : present.joined(separator: ", ")))
    }
    let steps = try header.integer(key, in: CheckpointFormat.steps)
    let group = try header.integer(Key.parameter(index, .group, name), in: 0...Int.max)
    guard group == member.group else {
      throw MuonError(
        .mismatch, "\(label) is in group \(member.group), and in group \(group) in the checkpoint")
    }
    let view = try header.field(Key.parameter(index, .view, name))
    let present = optimizer.savedView(ofParameter: number)
    guard view == present else {
      func text(_ view: String?) -> String {
        view.map { "the view \($0.shortened(to: 100))" } ?? "no view"
      }
      throw MuonError(
        .mismatch, "\(label) has \(text(present)), and \(text(view)) in the checkpoint")
    }
    let storage = try header.field(Key.parameter(index, .storage, name))
    let presentStorage = member.parameter.storage.text
    guard storage == presentStorage else {
      func text(_ storage: String?) -> String { storage.map { $0.shortened(to: 100) } ?? "f32" }
      throw MuonError(
        .mismatch,
        "\(label) is stored as \(text(presentStorage)), and as \(text(storage)) in the checkpoint")
    }
    if hasData {
      let found = try require(
        CheckpointFormat.tensor(index, .data, name),
        try optimizer.elementType(of: .data, ofParameter: number), member.shape,
        "the data of \(label)")
      if options.includesData {
        unsafe targets[found] = member.data.bytes
      }
    }
    for each in state {
      let found = try require(
        CheckpointFormat.tensor(index, each.buffer, name), each.elements.type, each.shape,
        "the \(each.buffer.label) of \(label)")
      unsafe targets[found] = each.elements.bytes
    }
    changes.append {
      optimizer.trained[number].steps = steps
      optimizer.trained[number].hasFiniteState = false
    }
  }

  /// The index of a tensor, which must be there, of this type and this shape.
  private mutating func require(
    _ name: String, _ elementType: ElementType, _ shape: Shape, _ label: String
  ) throws(MuonError) -> Int {
    guard let index = header.tensor(name) else {
      throw MuonError(.corrupt, "the checkpoint lacks the tensor \(name)")
    }
    let tensor = header.tensors[index]
    let dtype = header.text(tensor.dtype)
    let expectedDtype = CheckpointFormat.dtype(elementType)
    guard dtype == expectedDtype else {
      throw MuonError(
        .mismatch, "\(label) has dtype \(expectedDtype), and \(dtype) in the checkpoint")
    }
    let expected = shape.extents.map(String.init).joined(separator: ", ")
    let found = header.shape(tensor)
    guard found == expected else {
      throw MuonError(
        .mismatch, "\(label) has shape (\(expected)), and (\(found)) in the checkpoint")
    }
    known[index] = true
    return index
  }

  /// Runs a check of a value, whose failure is that of the checkpoint.
  static func consistent<Result>(
    _ check: () throws(MuonError) -> Result
  ) throws(MuonError) -> Result {
    do { return try check() } catch {
      guard error.code == .invalidArgument else { throw error }
      throw MuonError(.corrupt, "the checkpoint contradicts itself: \(error.message)")
    }
  }
}

// MARK: - Schedulers

extension CheckpointPlan {
  private mutating func plan(_ scheduler: Scheduler, _ index: Int) throws(MuonError) {
    let driven = try header.required(Key.scheduler(index, "optimizers"))
    let expected = CheckpointContents.list(run.driven[index])
    guard driven == expected else {
      throw MuonError(
        .mismatch,
        "scheduler \(index) drives optimizers \(expected), and \(driven.prefix(100)) in the "
          + "checkpoint")
    }
    let schedule = try header.required(Key.scheduler(index, "schedule"))
    let present = scheduler.schedule.text
    guard schedule == present else {
      throw MuonError(
        .mismatch,
        "scheduler \(index) has the schedule \(present.prefix(200)), and \(schedule.prefix(200)) in "
          + "the checkpoint")
    }
    let option =
      try header.field(Key.scheduler(index, "option")) ?? ScheduledOption.learningRate.rawValue
    guard option == scheduler.option.rawValue else {
      throw MuonError(
        .mismatch,
        "scheduler \(index) drives \(scheduler.option.rawValue), and \(option.prefix(40)) in the "
          + "checkpoint")
    }
    let step = try header.integer(Key.scheduler(index, "step"), in: CheckpointFormat.steps)
    let bases = run.driven[index].map { self.bases[scheduler.option]?[$0] ?? [] }
    let rates = try savedRates(scheduler, index, step: step, bases: bases)
    changes.append(
      try CheckpointPlan.consistent { () throws(MuonError) in
        try scheduler.restoring(step: step, bases: bases, known: rates)
      })
  }

  /// What the checkpoint says that a chain made of each base rate; the others have to be worked out.
  private func savedRates(
    _ scheduler: Scheduler, _ index: Int, step: Int, bases: [[Double]]
  ) throws(MuonError) -> [Double: Double] {
    guard scheduler.schedule.hasChain else { return [:] }
    var rates: [Double: Double] = [:]
    var missing: Set<Double> = []
    for base in bases.joined() where rates[base] == nil && !missing.contains(base) {
      let key = Key.rate(index, base)
      guard try header.field(key) != nil else {
        missing.insert(base)
        continue
      }
      rates[base] = try header.number(key)
    }
    let evaluations = scheduler.schedule.evaluations(upTo: step)
    guard
      missing.isEmpty || evaluations <= CheckpointFormat.maximumChainEvaluations / missing.count
    else {
      throw MuonError(
        .unsupported,
        "scheduler \(index) is at step \(step) of a chain of schedules in the checkpoint, which lacks its "
          + "rates there: to work them out takes more than \(CheckpointFormat.maximumChainEvaluations) "
          + "evaluations, the most there may be")
    }
    return rates
  }
}
