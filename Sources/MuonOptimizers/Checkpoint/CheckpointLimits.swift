// What a checkpoint can have in it. The writer refuses what is beyond, before anything is written, and so does
// the reader: what was saved can be loaded.
extension CheckpointFormat {
  /// A safetensors header may be as long as this.
  static let maximumHeaderBytes = 100_000_000
  /// Beside the header itself, what is read from it takes at most so many bytes.
  static let maximumHeaderMemory = 64 << 20
  /// How many there may be, so that it does.
  static let maximumTensors = 1 << 18
  static let maximumFields = 1 << 20
  /// The longest text among the metadata, and the longest name of a tensor.
  static let maximumText = 1 << 20
  /// Of parameters and schedulers.
  static let steps = 0...maximumStep
  /// A chain of schedules is evaluated from step 0 where a file does not have its rates, as the first files
  /// do not: by so many evaluations of one schedule at one step at most, about a second.
  static let maximumChainEvaluations = 1 << 24

  /// Requires that a training run is within them. `fields` are without the checksums, of which each tensor
  /// has one.
  static func requireLimits(
    of fields: [(key: String, value: String)], _ tensorNames: [String]
  ) throws(MuonError) {
    guard tensorNames.count <= maximumTensors else {
      throw MuonError(
        .unsupported,
        "a checkpoint holds at most \(maximumTensors) tensors, this training run has "
          + "\(tensorNames.count)")
    }
    let count = fields.count + tensorNames.count
    guard count <= maximumFields else {
      throw MuonError(
        .unsupported,
        "a checkpoint holds at most \(maximumFields) keys, this training run has \(count): there are too "
          + "many parameter groups or parameters")
    }
    for field in fields where field.value.utf8.count > maximumText {
      throw tooLong("the text of \(start(of: field.key))", field.value)
    }
    for name in tensorNames where name.utf8.count > maximumText {
      throw tooLong("the name of the tensor \(start(of: name))", name)
    }
  }

  static func requireSteps(_ steps: Int, _ label: String) throws(MuonError) {
    guard self.steps.contains(steps) else {
      throw MuonError(
        .unsupported,
        "\(label) has made \(steps) steps; a checkpoint holds at most \(self.steps.upperBound)")
    }
  }

  private static func tooLong(_ what: String, _ text: String) -> MuonError {
    MuonError(
      .unsupported,
      "\(what) has \(text.utf8.count) bytes; a checkpoint holds at most \(maximumText)")
  }

  private static func start(of text: String) -> String {
    text.utf8.count > 100 ? text.prefix(100) + "..." : text
  }
}
