/// Which optimizer, by its name in a configuration.
public enum OptimizerKind: String, CaseIterable, Sendable {
  /// `Muon`, for matrices.
  case muon = "Muon"
  /// `AdamW`, for parameters of any shape.
  case adamW = "AdamW"
}

/// One parameter's part of a step: where its numbers are.
@safe
struct Update {
  /// Its index in the optimizer.
  let member: Int
  let parameter: Parameter
  let group: Int
  let data: UnsafeMutablePointer<Float>
  let gradient: UnsafePointer<Float>
  /// By row of the rule's table of state; none of them is empty.
  let state: [StateMemory]
  /// The number of this step for this parameter, from 1.
  let step: Int
  /// Where the step is measured; `nil` where it is not.
  var meter: StepMeter? = nil
}

/// What makes an optimizer the one it is: its options, its state, and its formula. `Optimizer` does
/// the rest.
protocol UpdateRule: AnyObject {
  var kind: OptimizerKind { get }
  /// The table of state.
  var stateBuffers: [StateBuffer] { get }
  var groupCount: Int { get }

  /// Groups are in range here.
  func learningRate(ofGroup group: Int) -> Double
  func setLearningRate(_ rate: Double, ofGroup group: Int) throws(MuonError)

  /// What the direction of an update is multiplied by.
  func effectiveLearningRate(of update: Update) -> Double

  /// The bytes that steps use beside parameters, gradients and state.
  var scratchBytes: Int { get }

  /// Refuses a parameter that the rule cannot train in a group.
  func check(_ shape: Shape, of owner: String, group: Int) throws(MuonError)

  /// The options of a group for a checkpoint, by their names in muon.h.
  func checkpointFields(ofGroup group: Int) -> [(name: String, value: String)]
  /// Reads the options of some groups from a checkpoint, where the rule's optimizer is number
  /// `optimizer`. What it returns sets them, and cannot fail. `members` are the parameters that the
  /// options must fit.
  func restoringOptions(
    from header: CheckpointHeader, optimizer: Int, groups: Range<Int>, members: [Optimizer.Member]
  ) throws(MuonError) -> () -> Void

  /// Finite state remains finite by a gradient whose elements are below this, whatever the options.
  var harmlessGradient: Float { get }
  /// Whether a step would leave the state of these elements of a parameter, and what the update is made of,
  /// without NaN and infinity.
  func stateStaysFinite(
    _ state: [StateMemory], group: Int, gradient: UnsafePointer<Float>, elements: Range<Int>
  ) -> Bool

  /// Does what can fail, and changes nothing that can be seen.
  func prepare(_ updates: [Update]) throws(MuonError)
  /// Writes parameters and state. Called after `prepare` with the same updates.
  func apply(_ updates: [Update])
}

/// A rule with options of one kind by group.
protocol GroupedRule: UpdateRule {
  associatedtype Options: GroupOptions
  var groups: OptionGroups<Options> { get set }
}

extension GroupedRule {
  var groupCount: Int { groups.count }

  func learningRate(ofGroup group: Int) -> Double { groups[group].learningRate }

  func setLearningRate(_ rate: Double, ofGroup group: Int) throws(MuonError) {
    try groups.setLearningRate(rate, ofGroup: group)
  }

  func checkpointFields(ofGroup group: Int) -> [(name: String, value: String)] {
    groups[group].checkpointFields
  }
}

/// Options of a parameter group.
protocol GroupOptions: OptionTable {
  var learningRate: Double { get set }
  var weightDecay: Double { get set }
}

/// The options of an optimizer's parameter groups, always valid.
struct OptionGroups<Options: GroupOptions> {
  private var groups: [Options] = []

  var count: Int { groups.count }

  subscript(group: Int) -> Options { groups[group] }

  mutating func append(_ options: Options) throws(MuonError) {
    try options.check()
    groups.append(options)
  }

  mutating func removeLast() { groups.removeLast() }

  mutating func set(_ options: Options, ofGroup group: Int) throws(MuonError) {
    try options.check()
    groups[group] = options
  }

  /// The options that a checkpoint has for some groups, and for the others those that there are.
  func restored(
    from header: CheckpointHeader, optimizer: Int, groups restored: Range<Int>
  ) throws(MuonError) -> OptionGroups {
    var result = self
    for group in restored {
      let options = try Options(header) { CheckpointFormat.Key.group(optimizer, group, $0) }
      try CheckpointPlan.consistent { () throws(MuonError) in
        try result.set(options, ofGroup: group)
      }
    }
    return result
  }

  mutating func setLearningRate(_ rate: Double, ofGroup group: Int) throws(MuonError) {
    try requireNonNegative(rate, "lr")
    groups[group].learningRate = rate
  }
}
