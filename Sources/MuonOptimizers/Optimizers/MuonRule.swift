internal import CMuonKernels
internal import Synchronization

/// Muon's options by group, and its step for many matrices at once, the dearest first.
final class MuonRule: GroupedRule {
  var groups = OptionGroups<MuonOptions>()
  /// By group.
  private var orthogonalizers: [Orthogonalizer] = []
  /// For the large matrices, which the whole team works on; kept from step to step.
  private var shared: [OrthogonalizationScratch] = []
  /// One a worker, for the others.
  private var own: [OrthogonalizationScratch] = []
  /// What `prepare` worked out for `apply`, the dearest matrix first, and for how many threads.
  private var tasks: [MuonTask] = []
  private var workers = 1
  /// How many of the tasks are for the whole team.
  private var large = 0

  let kind = OptimizerKind.muon
  let stateBuffers = [StateBuffer("momentum", torchKey: "momentum_buffer")]

  func append(_ options: MuonOptions) throws(MuonError) {
    let orthogonalizer = try options.orthogonalizer()
    try groups.append(options)
    orthogonalizers.append(orthogonalizer)
  }

  func removeLast() {
    groups.removeLast()
    orthogonalizers.removeLast()
  }

  func set(_ options: MuonOptions, ofGroup group: Int) throws(MuonError) {
    let orthogonalizer = try options.orthogonalizer()
    try groups.set(options, ofGroup: group)
    orthogonalizers[group] = orthogonalizer
  }

  func restoringOptions(
    from header: CheckpointHeader, optimizer: Int, groups restored: Range<Int>,
    members: [Optimizer.Member]
  ) throws(MuonError) -> () -> Void {
    let groups = try groups.restored(from: header, optimizer: optimizer, groups: restored)
    var orthogonalizers = orthogonalizers
    for group in restored { orthogonalizers[group] = try groups[group].orthogonalizer() }
    for member in members {
      let shape = member.parameter.layout
      _ = try orthogonalizers[member.group].plan(rows: shape.rows, columns: shape.columns)
    }
    return { [orthogonalizers] in
      self.groups = groups
      self.orthogonalizers = orthogonalizers
    }
  }

  func effectiveLearningRate(of update: Update) -> Double {
    let (options, shape) = (groups[update.group], update.parameter.layout)
    return options.learningRate
      * options.shapeScale.factor(rows: shape.rows, columns: shape.columns)
  }

  func check(_ shape: Shape, of owner: String, group: Int) throws(MuonError) {
    try shape.requireMatrix(of: owner)
    _ = try orthogonalizers[group].plan(rows: shape.rows, columns: shape.columns)
  }

  /// b·m of a finite m is at least 2^104 away from infinity, since b is at most 1 - 2^-24.
  let harmlessGradient: Float = 0x1p99

  func stateStaysFinite(
    _ state: [StateMemory], group: Int, gradient: UnsafePointer<Float>, elements: Range<Int>
  ) -> Bool {
    guard let momentum = unsafe state[0].start else { return true }
    let (options, offset) = (groups[group], elements.lowerBound)
    let highest = unsafe Kernels.passes.momentum_highest(
      elements.count, gradient + offset, momentum + offset, Float(options.momentum),
      options.gradientWeight, options.nesterov ? 1 : 0)
    return isFinite(highest)
  }

  func prepare(_ updates: [Update]) throws(MuonError) {
    tasks.removeAll(keepingCapacity: true)
    for update in updates {
      let shape = update.parameter.layout
      let plan = try orthogonalizers[update.group].plan(rows: shape.rows, columns: shape.columns)
      tasks.append(try MuonTask(update, groups[update.group], plan))
    }
    // Sorting takes memory, and the order is mostly that of the step before.
    if zip(tasks, tasks.dropFirst()).contains(where: { $0.cost < $1.cost }) {
      tasks.sort { $0.cost > $1.cost }
    }
    workers = Team.sensibleSize(forCost: tasks.reduce(0) { $0 + $1.cost })
    large = workers == 1 ? 0 : tasks.prefix { $0.cost >= MuonRule.largeCost }.count

    try reserve(&shared, 1, for: tasks[..<large])
    try reserve(&own, workers, for: tasks[large...])
    do { try solveWhatCanFail() } catch {
      tasks.removeAll()
      throw error
    }
  }

  /// Makes sure of `count` scratches, each of them enough for any of the tasks.
  private func reserve(
    _ scratches: inout [OrthogonalizationScratch], _ count: Int, for tasks: ArraySlice<MuonTask>
  ) throws(MuonError) {
    var size = OrthogonalizationScratch.Size()
    for task in tasks { size.formMaximum(task.scratchSize) }
    if scratches.contains(where: { !$0.holds(size) }) { scratches.removeAll() }
    while scratches.count < count { scratches.append(try OrthogonalizationScratch(size)) }
  }

  /// Orthogonalizes the matrices of backend `svd` ahead, so that its failure comes before anything is
  /// written.
  private func solveWhatCanFail() throws(MuonError) {
    guard tasks.contains(where: \.canFail) else { return }
    try OpenBLAS.use(solve)
  }

  private func solve() throws(MuonError) {
    for index in tasks.indices where tasks[index].canFail {
      tasks[index].solved = try Buffer(count: tasks[index].count)
    }
    let pass = Pass(of: self, solving: true)
    Team.run(workers: workers, pass)
    let index = pass.failed.load(ordering: .relaxed)
    if index >= 0 {
      throw MuonError(
        .notConverged,
        "LAPACK's SVD of the momentum of \(tasks[index].owner) did not converge")
    }
  }

  func apply(_ updates: [Update]) {
    Team.run(workers: workers, Pass(of: self, solving: false))
    tasks.removeAll(keepingCapacity: true)
  }

  /// All tasks are solved ahead, where they can fail, or applied: the large matrices one after the
  /// other, each by the whole team; then the others, one a thread.
  private struct Pass: TeamWork, ~Copyable {
    private let rule: MuonRule
    private let solving: Bool
    /// A task that could not be solved.
    let failed = Atomic<Int>(-1)

    init(of rule: MuonRule, solving: Bool) {
      self.rule = rule
      self.solving = solving
    }

    func perform(by member: Team.Member) {
      Denormals.flushed {
        for index in 0..<rule.large { perform(index, in: rule.shared[0], by: member) }
        member.forEach(rule.tasks.count - rule.large) {
          perform(rule.large + $0, in: rule.own[member.index], by: .alone)
        }
      }
    }

    private func perform(
      _ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
    ) {
      let task = rule.tasks[index]
      if !solving {
        task.apply(in: scratch, by: member)
      } else if task.canFail, !task.solve(in: scratch, by: member) {
        failed.store(index, ordering: .relaxed)
      }
    }
  }

  var scratchBytes: Int { (shared + own).reduce(0) { $0 + $1.bytes } }

  /// From here on a matrix is worth a team, whose members wait for each other some thirty times.
  private static let largeCost = 1e8
}

extension ParameterBuffer {
  /// `Muon`: the momentum.
  public static let momentum = ParameterBuffer("momentum")
}
