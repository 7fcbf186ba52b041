// The ranks agree on a step before any of them writes anything.
extension Optimizer {
  /// What becomes of a step that this rank has planned, or cannot make, after all ranks have said what they can do:
  /// the same on all of them.
  ///
  /// - Throws: `exchange` where the ranks differ, and where they do not hear of each other any more.
  static func agreed(
    on outcome: StepOutcome, _ count: Int, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) -> StepOutcome {
    var ballot = Int64(0)
    var (different, speaker) = (Int?.none, Ranks?.none)
    for index in 0..<count {
      guard let ranks = optimizer(index).ranks else { continue }
      speaker = speaker ?? ranks
      let (highest, isSame) = try optimizer(index).vote(outcome, through: ranks)
      ballot = max(ballot, highest)
      if !isSame { different = different ?? index }
    }
    if ballot != 0, let speaker {
      let rank = StepOutcome.rank(ofBallot: ballot)
      let text = try speaker.text(outcome.text, of: rank)
      return StepOutcome(ballot: ballot, "rank \(rank): \(text)")
    }
    if let different { try optimizer(different).nameDifference() }
    for index in 0..<count {
      guard let ranks = optimizer(index).ranks, ranks.hasNews else { continue }
      try optimizer(index).compareAll(through: ranks)
      ranks.hasNews = false
    }
    return outcome
  }

  /// - Returns: The highest ballot, and whether the ranks are at the same step.
  private func vote(
    _ outcome: StepOutcome, through ranks: Ranks
  ) throws(MuonError) -> (ballot: Int64, isSame: Bool) {
    let facts =
      countFacts() + [
        Fact("settings", all: settings().map(\.value)),
        Fact("steps", all: trained.map { Int64($0.steps) }),
        Fact("activity", all: trained.indices.map { takesPart($0) ? 1 : 0 }),
      ]
    let found = try ranks.highest(
      [outcome.ballot(ofRank: ranks.own), ranks.hasNews ? 1 : 0], comparing: facts)
    ranks.hasNews = found.values[1] != 0
    return (found.values[0], found.difference == nil)
  }

  /// All ranks come here together, and throw.
  private func nameDifference() throws(MuonError) {
    guard let ranks else { return }
    try ranks.requireSame(countFacts())
    try ranks.requireSame(settings() + stepFacts() + activityFacts())
    throw MuonError.ranksDiffer(in: "what the step is made of")
  }
}
