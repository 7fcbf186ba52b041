internal import Synchronization

/// Muon's options by group, and its step for many matrices at once: one matrix a thread, the dearest
/// first.
final class MuonRule: UpdateRule {
  private(set) var groups = OptionGroups<MuonOptions>()
  /// By group.
  private var orthogonalizers: [Orthogonalizer] = []
  /// One a worker, each for the largest matrix; kept from step to step.
  private var scratches: [Orthogonalizer.Scratch] = []
  /// What `prepare` worked out for `apply`, the dearest matrix first, and for how many threads.
  private var tasks: [MuonTask] = []
  private var workers = 1

  let kind = OptimizerKind.muon
  let stateBuffers = [ParameterBuffer.momentum]
  var groupCount: Int { groups.count }

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

  func learningRate(ofGroup group: Int) -> Double { groups[group].learningRate }

  func setLearningRate(_ rate: Double, ofGroup group: Int) throws(MuonError) {
    try groups.setLearningRate(rate, ofGroup: group)
  }

  func check(_ shape: Shape, of owner: String, group: Int) throws(MuonError) {
    try shape.requireMatrix(of: owner)
    _ = try orthogonalizers[group].need(rows: shape.rows, columns: shape.columns)
  }

  func prepare(_ updates: [Update]) throws(MuonError) {
    var need = Orthogonalizer.Need()
    tasks.removeAll(keepingCapacity: true)
    for update in updates {
      let group = update.group
      let task = MuonTask(update, groups[group], orthogonalizers[group])
      need.formMaximum(try task.orthogonalizer.need(rows: task.rows, columns: task.columns))
      tasks.append(task)
    }
    tasks.sort { $0.cost > $1.cost }
    if scratches.contains(where: { !$0.holds(need) }) { scratches.removeAll() }
    workers = sensibleWorkers
    while scratches.count < workers {
      scratches.append(try Orthogonalizer.Scratch(need))
    }
    do { try solveWhatCanFail() } catch {
      tasks.removeAll()
      throw error
    }
  }

  /// Orthogonalizes the matrices of backend `svd` ahead, so that its failure comes before anything is
  /// written.
  private func solveWhatCanFail() throws(MuonError) {
    let fallible = tasks.indices.filter { tasks[$0].orthogonalizer.backend == .svd }
    for index in fallible { tasks[index].solved = try Buffer(count: tasks[index].count) }
    guard !fallible.isEmpty else { return }
    let failed = Atomic<Int>(-1)
    BLASThreads.single {
      forEachTask(fallible.count, workers: workers) { number, worker in
        let index = fallible[number]
        if !tasks[index].solve(in: scratches[worker]) {
          failed.store(index, ordering: .relaxed)
        }
      }
    }
    let index = failed.load(ordering: .relaxed)
    if index >= 0 {
      throw MuonError(
        .notConverged,
        "LAPACK's SVD of the momentum of \(tasks[index].owner) did not converge")
    }
  }

  func apply(_ updates: [Update]) {
    BLASThreads.single {
      forEachTask(tasks.count, workers: workers) { index, worker in
        tasks[index].apply(in: scratches[worker])
      }
    }
    tasks.removeAll(keepingCapacity: true)
  }

  /// A thread costs more than a step of small matrices.
  private var sensibleWorkers: Int {
    let cost = tasks.reduce(0) { $0 + $1.cost }
    return cost < 1e7 ? 1 : min(Threads.count, Threads.mostWorkers, tasks.count)
  }
}
