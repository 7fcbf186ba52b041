// What must be the same on all ranks of an exchange.
extension Optimizer {
  /// Requires that all is the same. All ranks come here together.
  func compareAll(through ranks: Ranks) throws(MuonError) {
    try compareLibraries(through: ranks)
    let first = [
      Fact("the number of ranks, here \(ranks.count)", ranks.count),
      Fact("the kind of the optimizer, here \(self.kind.rawValue)", text: kind.rawValue),
    ]
    try ranks.requireSame(first + countFacts())
    try requireEach(of: ranks)
    try ranks.keepingUp { () throws(MuonError) in
      try requireMemory(for: trained.count, each: 4096)
    }
    try ranks.requireSame(settings() + parameterFacts() + stepFacts())
    // Memory is read last. By now all have the same state.
    try ranks.requireSame(contents())
  }

  private func compareLibraries(through ranks: Ranks) throws(MuonError) {
    let level = Kernels.levels.firstIndex(of: Kernels.level) ?? 0
    let kernels = ProductKernel.all.map(\.name).joined(separator: ", ")
    let facts = [
      Fact(
        "the version of the library, here \(BuildInfo.versionText)",
        text: BuildInfo.versionText),
      Fact("instructions", level),
      Fact("the kernels that multiply, here \(kernels)", text: kernels),
    ]
    guard let difference = try ranks.highest([], comparing: facts).difference else { return }
    guard difference.fact == 1, Kernels.levels.indices.contains(Int(difference.lowest)) else {
      throw MuonError.ranksDiffer(in: facts[difference.fact].label())
    }
    throw MuonError.ranksDiffer(
      in:
        "the instructions that they use, here \(Kernels.level), and results differ with them: set "
        + "MUON_MAX_CPU=\(Kernels.levels[Int(difference.lowest)]) on all ranks")
  }

  private func requireEach(of ranks: Ranks) throws(MuonError) {
    let present = try ranks.highest(
      (0..<ranks.count).map { $0 == ranks.own ? 1 : 0 })
    if let missing = present.firstIndex(of: 0) {
      throw MuonError(
        .exchange,
        "of \(ranks.count) ranks none is rank \(missing), and another is there twice")
    }
  }

  /// Ranks for which these are the same have as many facts in all that follows.
  func countFacts() -> [Fact] {
    [
      Fact("the number of parameters, here \(self.trained.count)", trained.count),
      Fact("the number of groups, here \(self.groupCount)", groupCount),
      Fact("the parameter that the step is for, here \(self.only ?? -1)", only ?? -1),
    ]
  }

  /// What decides how a step is made.
  func settings() -> [Fact] {
    var facts = [
      Fact(
        "what is done about NaN, here \(self.nonFinitePolicy.rawValue)",
        text: nonFinitePolicy.rawValue),
      Fact("the statistics level, here \(self.statisticsLevel)", text: "\(statisticsLevel)"),
      Fact("the gradient scale, here \(self.gradientScale)", text: "\(gradientScale)"),
    ]
    for (group, options) in groupOptions.enumerated() {
      facts += Optimizer.facts(of: options, "of group \(group)")
    }
    return facts
  }

  private static func facts<Options: GroupOptions>(of options: Options, _ owner: String) -> [Fact] {
    Options.options.map { option in
      let value = option.value(options)
      return Fact(
        "the option \(option.name) \(owner), here \(value.map(shown) ?? "none")",
        text: value.map { "\($0)" } ?? "")
    }
  }

  private static func shown(_ value: OptionValue) -> String {
    switch value {
    case .number(let number): "\(number)"
    case .flag(let flag): flag ? "1" : "0"
    case .count(let count): count.map { "\($0)" } ?? "the backend's own"
    case .choice(let name): name
    case .rows(let rows): "\(rows)"
    }
  }

  private func parameterFacts() -> [Fact] {
    trained.indices.flatMap { index in
      let (owner, each) = (trained[index].owner, trained[index])
      let view = each.form.matrices?.text ?? "none"
      let storage = each.parameter.storage.text ?? "f32"
      return [
        Fact("the name of parameter \(index), here \(each.parameter.name)", text: owner),
        Fact("the shape of \(owner), here \(each.shape)", all: each.shape.extents.map(Int64.init)),
        Fact("the group of \(owner), here \(each.group)", each.group),
        Fact("the view of \(owner), here \(view)", text: view),
        Fact("the storage of \(owner), here \(storage)", text: storage),
      ]
    }
  }

  /// What a step counts.
  func stepFacts() -> [Fact] {
    trained.map { each in
      Fact("the steps of \(each.owner), here \(each.steps)", each.steps)
    }
  }

  /// Which parameters the present step changes.
  func activityFacts() -> [Fact] {
    trained.indices.map { index in
      let (owner, takesPart) = (trained[index].owner, takesPart(index))
      return Fact(
        "whether \(owner) has a gradient, here \(takesPart ? "yes" : "no")",
        takesPart ? 1 : 0)
    }
  }

  private func contents() -> [Fact] {
    trained.flatMap { each in
      [Fact("the values of \(each.owner)", memory: each.data)]
        + each.state.map { state in
          Fact("the \(state.buffer.label) of \(each.owner)", memory: state.elements)
        }
    }
  }
}
