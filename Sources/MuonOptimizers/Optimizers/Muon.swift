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
  /// By parameter. Kept until parameters, options or what is measured change.
  private(set) var plans: [MuonPlan] = []
  /// All parameters, the dearest first.
  private var order: [Int] = []
  /// Those that the present step changes, in that order; the first `large` are for the whole team.
  private var turns: [Int] = []
  private var (large, workers) = (0, 1)
  /// For the large matrices, which the whole team works on; kept from step to step.
  private var shared: [OrthogonalizationScratch] = []
  /// One a worker, for the others.
  private var own: [OrthogonalizationScratch] = []

  /// Parameters of 2 dimensions, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps, `shape`
  ///   for a parameter that is not a matrix, `unsupported` for a precision that the processor or the
  ///   backend does not have and for a matrix too large for BLAS or LAPACK, `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: MuonOptions = MuonOptions()
  ) throws(MuonError) {
    let state = [
      StateBuffer("momentum", torchKey: "momentum_buffer"),
      StateBuffer(
        "second_momentum", torchKey: "second_momentum_buffer", for: MuonOptions.self
      ) { $1.secondMoment.extents(rows: $0.rows, columns: $0.columns) },
      StateBuffer("radius", for: MuonOptions.self) { $1.hyperball ? [1, 1] : nil },
    ]
    try super.init(.muon, state: state, parameters, options)
  }

  override func requireTrainable(
    _ shape: Shape, of owner: String, _ options: MuonOptions
  ) throws(MuonError) {
    try shape.requireMatrix(of: owner)
    _ = try options.orthogonalizer().plan(rows: shape.rows, columns: shape.columns)
  }

  // Not in the generic class: schedulers come here in every step, and may not allocate.
  override func rate(ofGroup group: Int) -> Double { groups[group].learningRate }
  override func setRate(_ rate: Double, ofGroup group: Int) { groups[group].learningRate = rate }

  override func effectiveLearningRate(of parameter: TrainedParameter) -> Double {
    groups[parameter.group].effectiveLearningRate(for: parameter.shape)
  }

  /// b·m of a finite m is at least 2^104 away from infinity, since b is at most 1 - 2^-24.
  override var harmlessGradient: Float { 0x1p99 }

  override func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool {
    guard let g = parameter.gradient else { return true }
    // The other state takes in O, which is finite whatever the gradient is: it need only be so itself.
    if elements.lowerBound == 0, !parameter.state.dropFirst().allSatisfy(\.elements.areFinite) {
      return false
    }
    let step = groups[parameter.group].momentumStep(gradientScale: stepScale)
    return isFinite(step.highest(g[elements], parameter.state[0].elements[elements]))
  }

  override var ownScratchBytes: Int { (shared + own).reduce(0) { $0 + $1.bytes } }

  override func planStep() throws(MuonError) {
    try requireNorms()
    if plansAreStale { try replan() }
    turns.removeAll(keepingCapacity: true)
    var cost = 0.0
    for index in order where takesPart(index) {
      turns.append(index)
      cost += plans[index].cost
    }
    workers = Team.sensibleSize(forCost: cost)
    large = workers == 1 ? 0 : turns.prefix { plans[$0].cost >= Muon.largeCost }.count
    try reserve(&shared, 1, for: turns[..<large])
    try reserve(&own, workers, for: turns[large...])
    try solveWhatCanFail()
  }

  override func forgetPlannedStep() { forgetSolved() }

  override func runStep() {
    Team.run(workers: workers, Work(of: self, solving: false))
    forgetSolved()
  }
}

// MARK: - Planning a step

extension Muon {
  /// From here on a matrix is worth a team, whose members wait for each other some thirty times.
  private static var largeCost: Double { 1e8 }

  private func replan() throws(MuonError) {
    var orthogonalizers: [Orthogonalizer] = []
    for options in groups { orthogonalizers.append(try options.orthogonalizer()) }
    try requireMemory(for: trained.count, each: 2 * MemoryLayout<MuonPlan>.stride)
    var plans: [MuonPlan] = []
    for each in trained {
      plans.append(
        try MuonPlan(
          each.shape, orthogonalizers[each.group], groups[each.group], measuring: statisticsLevel))
    }
    self.plans = plans
    order = plans.indices.sorted { plans[$0].cost > plans[$1].cost }
    turns.reserveCapacity(order.count)
    plansAreStale = false
  }

  /// Makes sure of `count` scratches, each of them enough for any of the matrices.
  private func reserve(
    _ scratches: inout [OrthogonalizationScratch], _ count: Int, for turns: ArraySlice<Int>
  ) throws(MuonError) {
    var size = OrthogonalizationScratch.Size()
    for index in turns { size.formMaximum(plans[index].scratchSize) }
    if scratches.contains(where: { !$0.holds(size) }) { scratches.removeAll() }
    while scratches.count < count { scratches.append(try OrthogonalizationScratch(size)) }
  }

  /// Orthogonalizes the matrices of backend `svd` ahead, so that its failure comes before anything is
  /// written.
  private func solveWhatCanFail() throws(MuonError) {
    guard turns.contains(where: { plans[$0].canFail }) else { return }
    do { try OpenBLAS.use(solve) } catch {
      forgetSolved()
      throw error
    }
  }

  private func solve() throws(MuonError) {
    for index in turns where plans[index].canFail {
      plans[index].solved = try Buffer(count: trained[index].shape.count)
    }
    let work = Work(of: self, solving: true)
    Team.run(workers: workers, work)
    let index = work.failed.load(ordering: .relaxed)
    if index >= 0 {
      throw MuonError(
        .notConverged,
        "LAPACK's SVD of the momentum of \(trained[index].owner) did not converge")
    }
  }

  private func forgetSolved() {
    for index in turns where plans[index].canFail { plans[index].solved = nil }
  }
}

// MARK: - Running it

extension Muon {
  /// All matrices are solved ahead, where that can fail, or updated: the large ones one after the other,
  /// each by the whole team; then the others, one a thread.
  private struct Work: TeamWork, ~Copyable {
    private let muon: Muon
    private let solving: Bool
    /// A parameter whose matrix could not be solved.
    let failed = Atomic<Int>(-1)

    init(of muon: Muon, solving: Bool) {
      self.muon = muon
      self.solving = solving
    }

    func perform(by member: Team.Member) {
      Denormals.flushed {
        for turn in 0..<muon.large { perform(turn, in: muon.shared[0], by: member) }
        member.forEach(muon.turns.count - muon.large) {
          perform(muon.large + $0, in: muon.own[member.index], by: .alone)
        }
      }
    }

    private func perform(
      _ turn: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
    ) {
      let index = muon.turns[turn]
      if !solving {
        muon.update(index, in: scratch, by: member)
      } else if muon.plans[index].canFail, !muon.solve(index, in: scratch, by: member) {
        failed.store(index, ordering: .relaxed)
      }
    }
  }
}

extension ParameterBuffer {
  /// `Muon`: the momentum.
  public static let momentum = ParameterBuffer("momentum")
}
