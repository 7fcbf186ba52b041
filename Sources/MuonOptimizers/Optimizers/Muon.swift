internal import Synchronization

/// The Muon optimizer, for matrices: momentum, orthogonalized by a Newton–Schulz iteration.
///
/// With the gradient g and the momentum m of a matrix p (m starts at 0):
///
///     m ← β m + g,   u = g + β m with Nesterov, else m     (see `MomentumStyle`)
///     O = orthogonalize(u)                                 (see `Backend`)
///     p ← p (1 - lr·weightDecay) - lr·s·e·O                (see `ShapeScale` and `MuonOptions.updateScale`)
///
/// With `MuonOptions.cautiousWeightDecay` elements that the step moves away from 0 are not decayed; with
/// `MuonOptions.secondMoment` lines of O are brought nearer to each other in size; with `MuonOptions.hyperball` p
/// keeps its norm.
///
/// Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
public final class Muon: GroupedOptimizer<MuonOptions> {
  /// Of the matrices of each parameter: one for each block of a view, whose batch has it in common. Kept until
  /// parameters, options or what is measured change.
  private(set) var plans: [MuonPlan] = []
  /// By parameter: O of all its matrices, where the present step has worked it out ahead.
  private(set) var solved: [Buffer<Float>?] = []
  /// One matrix.
  struct Turn {
    let plan: Int
    let batch: Int
  }
  /// All matrices that this process works out, the large ones first, and then the dearest.
  private var order: [Turn] = []
  /// Those that the present step changes, in that order; the first `large` are for the whole team.
  private(set) var turns: [Turn] = []
  private var large = 0
  /// The members of the team, of whom so many, the first ones, take matrices by themselves.
  private var (workers, takers) = (1, 1)
  private var shares = MatrixShares()
  /// The first is for the matrices that the whole team works on; each worker that takes one of the others has its
  /// own. Kept from step to step.
  private var scratches: [OrthogonalizationScratch] = []
  /// Who works out what, where there are other ranks.
  var division: Division? = nil

  /// Parameters of 2 dimensions, or with a view, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps, `shape`
  ///   for a parameter that is not a matrix, `unsupported` for a precision that the processor or the
  ///   backend does not have and for a matrix too large for BLAS or LAPACK, `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: MuonOptions = MuonOptions()
  ) throws(MuonError) {
    let state = [
      StateBuffer("momentum", torchKey: "momentum_buffer", .momentum),
      StateBuffer(
        "second_momentum", torchKey: "second_momentum_buffer", for: MuonOptions.self,
        isOfSquares: true
      ) { $0.matrices.flatMap($1.secondMoment.layout)?.extents },
      StateBuffer("radius", for: MuonOptions.self) {
        $1.hyperball ? $0.matrices?.reduced(rows: false, columns: false).extents : nil
      },
    ]
    try super.init(.muon, state: state + StateBuffer.ofMaster, parameters, options)
  }

  override func requireTrainable(
    _ parameter: ParameterForm, _ options: MuonOptions
  ) throws(MuonError) {
    let matrices = try parameter.requireMatrices()
    try options.secondMoment.requireAlike(matrices, of: parameter.owner)
    let orthogonalizer = try options.orthogonalizer()
    for block in matrices.blocks {
      _ = try orthogonalizer.plan(rows: block.shape.rows, columns: block.shape.columns)
    }
  }

  override func cost(of parameter: ParameterForm, inGroup group: Int) throws(MuonError) -> Int {
    let matrices = try parameter.requireMatrices()
    return try OwnerPlan.cost(
      matrices.blocks.lazy.map(\.shape), times: matrices.batchCount,
      steps: groups[group].orthogonalizer().coefficients.count)
  }

  // Not in the generic class: schedulers come here in every step, and may not allocate.
  override func rate(ofGroup group: Int) -> Double { groups[group].learningRate }
  override func setRate(_ rate: Double, ofGroup group: Int) { groups[group].learningRate = rate }
  override func weightDecay(ofGroup group: Int) -> Double { groups[group].weightDecay }
  override func setWeightDecay(_ weightDecay: Double, ofGroup group: Int) {
    groups[group].weightDecay = weightDecay
  }
  override func requireScheduled(
    _ value: Double, of option: ScheduledOption, ofGroup group: Int
  ) throws(MuonError) {
    guard option != .weightDecay || value == 0 || !groups[group].hyperball else {
      throw MuonError(
        .invalidArgument,
        "group \(group): hyperball goes without weight decay, and the schedule gives \(value)")
    }
  }
  override func momentum(ofGroup group: Int) -> Double? { groups[group].momentum }
  override func setMomentum(_ momentum: Double, ofGroup group: Int) {
    groups[group].momentum = momentum
  }

  override func effectiveLearningRate(of parameter: TrainedParameter) -> Double {
    guard let blocks = parameter.form.matrices?.blocks else { return 0 }
    let options = groups[parameter.group]
    guard blocks.count > 1 else { return options.effectiveLearningRate(for: blocks[0].shape) }
    return
      (blocks.reduce(0) {
        let rate = options.effectiveLearningRate(for: $1.shape)
        return $0 + rate * rate
      } / Double(blocks.count)).squareRoot()
  }

  /// From here on bfloat16, to which the momentum may be rounded, has infinity.
  private static var pastBFloat16: UInt32 { 0x7F7F_8000 }

  /// b·m of a finite m is at least 2^104 away from infinity, since b is at most 1 - 2^-24.
  override var harmlessGradient: Float { 0x1p99 }

  override func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool {
    guard let g = parameter.gradient else { return true }
    // The other state takes in O, which is finite whatever the gradient is: it need only be so itself.
    for memory in parameter.state.dropFirst() where elements.lowerBound == 0 {
      guard memory.row.isParameter || memory.elements.areFinite else { return false }
      guard !memory.row.isOfSquares || memory.floats.areNotNegative else { return false }
    }
    let step = groups[parameter.group].momentumStep(gradientScale: stepScale)
    let m = parameter.state[0].elements[elements]
    let limit = m.type == .bfloat16 ? Muon.pastBFloat16 : Float.infinity.bitPattern
    var stays = true
    Numbers.forEachWidened(g[elements], m) { g, m in stays = stays && step.highest(g, m) < limit }
    return stays
  }

  override var ownScratchBytes: Int {
    scratches.reduce(0) { $0 + $1.bytes } + (division?.scratchBytes ?? 0)
  }

  override func plannedOwner(ofParameter index: Int) throws(MuonError) -> Int? {
    if plansAreStale { try replan() }
    return division?.owner(ofParameter: index)
  }

  override func planStep() throws(MuonError) {
    try requireNorms()
    if plansAreStale { try replan() }
    turns.removeAll(keepingCapacity: true)
    var cost = 0.0
    for turn in order where takesPart(plans[turn.plan].parameter) {
      turns.append(turn)
      cost += plans[turn.plan].cost
    }
    workers = Team.sensibleSize(forCost: cost)
    large = shares.countForAll(of: turns.count, costing: cost, by: workers) {
      plans[turns[$0].plan].orthogonalization.work
    }
    if large == 0 { workers = min(workers, max(1, turns.count)) }
    takers = min(workers, max(1, turns.count - large))
    try reserve()
    try division?.planStep(plans) { takesPart($0) }
    try solveWhatCanFail()
  }

  override func forgetPlannedStep() { forgetSolved() }

  override func runStep() throws(MuonError) {
    if let ranks {
      try runDivided(among: ranks)
    } else {
      run(turns.indices)
    }
    forgetSolved()
  }

  /// Makes the step of some of the turns.
  func run(_ turns: Range<Int>) {
    Team.run(workers: workers, Work(of: self, turns, solving: false))
  }

  /// Turns from here on that make a list of work of their own, after which other ranks can have the results: a large
  /// matrix, or small ones that keep the team busy as long.
  func wave(from first: Int) -> Range<Int> {
    guard first >= large else { return first..<first + 1 }
    var (end, cost) = (first, 0.0)
    let each = max(MatrixShares.waiting, plans[turns[first].plan].cost)
    while end < turns.count, cost < each * Double(workers) {
      cost += plans[turns[end].plan].cost
      end += 1
    }
    return first..<end
  }
}

// MARK: - Planning a step

extension Muon {
  func replan() throws(MuonError) {
    var orthogonalizers: [Orthogonalizer] = []
    for options in groups { orthogonalizers.append(try options.orthogonalizer()) }
    let counts = trained.map {
      $0.form.matrices.map { ($0.blocks.count, $0.count) } ?? (0, 0)
    }
    try requireMemory(for: counts.reduce(0) { $0 + $1.0 }, each: 1024)
    let matrices = counts.reduce(0) { $0 + $1.1 }
    try requireMemory(for: matrices, each: 4 * MemoryLayout<Turn>.stride)
    var plans: [MuonPlan] = []
    var order: [Turn] = []
    order.reserveCapacity(matrices)
    for (index, each) in trained.enumerated() {
      guard let matrices = each.form.matrices else { continue }
      for block in matrices.blocks.indices {
        for batch in 0..<matrices.batchCount { order.append(Turn(plan: plans.count, batch: batch)) }
        plans.append(
          try MuonPlan(
            index, matrices, block: block, each.parameter.storage, orthogonalizers[each.group],
            groups[each.group], measuring: statisticsLevel))
      }
    }
    division = try ranks.map { (ranks) throws(MuonError) in
      try Division(of: trained, plans, among: ranks) { orthogonalizers[$0].coefficients.count }
    }
    if let division {
      order = division.ownTurns
    } else {
      order.sort {
        let (one, other) = (
          plans[$0.plan].orthogonalization.work, plans[$1.plan].orthogonalization.work
        )
        return one.isLarge == other.isLarge ? one.cost > other.cost : one.isLarge
      }
    }
    self.plans = plans
    self.order = order
    solved = trained.map { _ in nil }
    turns.removeAll()
    turns.reserveCapacity(order.count)
    plansAreStale = false
  }

  /// Makes sure of a scratch for each worker that takes matrices by itself; the first is enough for those that the
  /// whole team works on, too.
  private func reserve() throws(MuonError) {
    var all = OrthogonalizationScratch.Size()
    var others = all
    for (index, turn) in turns.enumerated() {
      all.formMaximum(plans[turn.plan].scratchSize)
      if index >= large { others.formMaximum(plans[turn.plan].scratchSize) }
    }
    for index in 0..<takers {
      let size = index == 0 ? all : others
      if index < scratches.count {
        if scratches[index].holds(size) { continue }
        scratches.removeSubrange(index...)
      }
      scratches.append(try OrthogonalizationScratch(size))
    }
  }

  /// Orthogonalizes the matrices of backend `svd` ahead, so that its failure comes before anything is
  /// written.
  private func solveWhatCanFail() throws(MuonError) {
    guard turns.contains(where: { plans[$0.plan].canFail }) else { return }
    do { try OpenBLAS.use(solve) } catch {
      forgetSolved()
      throw error
    }
  }

  private func solve() throws(MuonError) {
    for plan in turns.lazy.map({ self.plans[$0.plan] }) where plan.canFail {
      if solved[plan.parameter] == nil {
        solved[plan.parameter] = try Buffer(count: trained[plan.parameter].shape.count)
      }
    }
    let work = Work(of: self, turns.indices, solving: true)
    Team.run(workers: workers, work)
    let index = work.failed.load(ordering: .relaxed)
    if index >= 0 {
      throw MuonError(
        .notConverged,
        "LAPACK's SVD of the momentum of \(trained[index].owner) did not converge")
    }
  }

  private func forgetSolved() {
    for plan in plans where plan.canFail { solved[plan.parameter] = nil }
  }
}

// MARK: - Running it

extension Muon {
  /// The matrices of some turns are solved ahead, where that can fail, or updated: the large ones one after the
  /// other, each by the whole team; then the others, one a thread.
  private struct Work: TeamWork, ~Copyable {
    private let muon: Muon
    private let large, others: Range<Int>
    private let solving: Bool
    /// A parameter whose matrix could not be solved.
    let failed = Atomic<Int>(-1)

    init(of muon: Muon, _ turns: Range<Int>, solving: Bool) {
      self.muon = muon
      self.solving = solving
      large = turns.clamped(to: 0..<muon.large)
      others = turns.clamped(to: muon.large..<muon.turns.count)
    }

    func perform(by member: Team.Member) {
      Denormals.flushed {
        for turn in large { perform(turn, in: muon.scratches[0], by: member) }
        guard member.index < muon.takers else { return member.waitForOthers() }
        member.forEach(others.count) {
          perform(others.lowerBound + $0, in: muon.scratches[member.index], by: .alone)
        }
      }
    }

    private func perform(
      _ turn: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
    ) {
      let turn = muon.turns[turn]
      if !solving {
        muon.update(turn, in: scratch, by: member)
      } else if muon.plans[turn.plan].canFail, !muon.solve(turn, in: scratch, by: member) {
        failed.store(muon.plans[turn.plan].parameter, ordering: .relaxed)
      }
    }
  }
}

extension ParameterBuffer {
  /// `Muon`: the momentum.
  public static let momentum = ParameterBuffer("momentum")
}
