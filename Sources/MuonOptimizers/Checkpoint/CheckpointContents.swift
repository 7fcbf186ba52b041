/// What a checkpoint of a training run has in it.
struct CheckpointContents {
  /// A tensor, in the memory that it is written from.
  @safe
  struct Tensor {
    let name: String
    let elementType: ElementType
    let shape: Shape
    let elements: UnsafeRawBufferPointer
  }

  /// The metadata beside the checksums.
  private(set) var fields: [(key: String, value: String)] = []
  private(set) var tensors: [Tensor] = []

  init(_ run: TrainingRun, _ options: Checkpoint.Options) throws(MuonError) {
    typealias Key = CheckpointFormat.Key
    add(Key.format, CheckpointFormat.name)
    add(Key.formatVersion, ExactText.text(CheckpointFormat.version))
    add(Key.libraryVersion, BuildInfo.versionText)
    add(Key.data, ExactText.text(options.includesData))
    add(Key.optimizers, ExactText.text(run.optimizers.count))
    add(Key.schedulers, ExactText.text(run.schedulers.count))
    for (index, optimizer) in run.optimizers.enumerated() {
      try add(optimizer, index, options)
    }
    for (index, scheduler) in run.schedulers.enumerated() {
      try add(scheduler, index, driving: run.driven[index])
    }
    try CheckpointFormat.requireLimits(of: fields, tensors.map(\.name))
  }

  /// Indices with spaces between them.
  static func list(_ indices: [Int]) -> String {
    indices.map { ExactText.text($0) }.joined(separator: " ")
  }

  static let none = "none"

  private mutating func add(_ key: String, _ value: String) { fields.append((key, value)) }

  private mutating func add(
    _ optimizer: Optimizer, _ index: Int, _ options: Checkpoint.Options
  ) throws(MuonError) {
    typealias Key = CheckpointFormat.Key
    add(Key.optimizer(index, "kind"), optimizer.kind.rawValue)
    add(Key.optimizer(index, "nonfinite"), optimizer.nonFinitePolicy.rawValue)
    add(Key.optimizer(index, "skipped_steps"), ExactText.text(optimizer.skippedSteps))
    add(Key.optimizer(index, "groups"), ExactText.text(optimizer.groupCount))
    for (group, present) in optimizer.groupOptions.enumerated() {
      let initial = try optimizer.initialLearningRate(ofGroup: group)
      add(
        Key.group(index, group, "initial_lr"),
        initial.map { ExactText.text($0) } ?? CheckpointContents.none)
      for option in ScheduledOption.allCases where option != .learningRate {
        guard let initial = optimizer.initialValue(of: option, ofGroup: group) else { continue }
        add(Key.group(index, group, "initial_" + option.rawValue), ExactText.text(initial))
      }
      for field in present.checkpointFields {
        add(Key.group(index, group, field.name), field.value)
      }
    }
    for (number, member) in optimizer.trained.enumerated() {
      let name = member.parameter.name
      try CheckpointFormat.requireSteps(
        member.steps, "\(member.parameter.owner) of optimizer \(index)")
      add(Key.parameter(index, .group, name), ExactText.text(member.group))
      add(Key.parameter(index, .steps, name), ExactText.text(member.steps))
      if let view = optimizer.savedView(ofParameter: number) {
        add(Key.parameter(index, .view, name), view)
      }
      if let storage = member.parameter.storage.text {
        add(Key.parameter(index, .storage, name), storage)
      }
      for buffer in try optimizer.savedBuffers(ofParameter: number, data: options.includesData) {
        let elements = try optimizer.elements(buffer, ofParameter: number)
        unsafe tensors.append(
          Tensor(
            name: CheckpointFormat.tensor(index, buffer, name),
            elementType: try optimizer.elementType(of: buffer, ofParameter: number),
            shape: try optimizer.shape(of: buffer, ofParameter: number),
            elements: UnsafeRawBufferPointer(elements.bytes)))
      }
    }
  }

  private mutating func add(
    _ scheduler: Scheduler, _ index: Int, driving driven: [Int]
  ) throws(MuonError) {
    typealias Key = CheckpointFormat.Key
    add(Key.scheduler(index, "schedule"), scheduler.schedule.text)
    add(Key.scheduler(index, "optimizers"), CheckpointContents.list(driven))
    add(Key.scheduler(index, "step"), ExactText.text(scheduler.currentStep))
    if scheduler.option != .learningRate {
      add(Key.scheduler(index, "option"), scheduler.option.rawValue)
    }
    // Also without a chain: a rate that the schedule cannot have could not be loaded.
    for (base, rate) in try scheduler.ratesByBase() where scheduler.schedule.hasChain {
      add(Key.rate(index, base), ExactText.text(rate))
    }
  }
}

extension Optimizer {
  /// The view of a parameter, where it changes steps.
  func savedView(ofParameter index: Int) -> String? {
    let form = trained[index].form
    guard kind == .muon, form.view != nil, let matrices = form.matrices else { return nil }
    return form.shape.extents.count == 2 && matrices == MatrixLayout(form.shape)
      ? nil : matrices.text
  }

  /// The buffers of a parameter that a checkpoint holds, with or without the parameter itself.
  func savedBuffers(
    ofParameter index: Int, data: Bool
  ) throws(MuonError) -> [ParameterBuffer] {
    (data ? [.data] : []) + (try stateBuffers(ofParameter: index))
  }
}
