/// What one rank has to say before a step: whether it can be made.
struct StepOutcome {
  /// Why it is left out.
  private(set) var skipped: String?
  /// Why it fails.
  private(set) var error: MuonError?

  var isReady: Bool { skipped == nil && error == nil }
  var text: String { error?.message ?? skipped ?? "" }

  static var ready: StepOutcome { StepOutcome(skipped: nil, error: nil) }
  static func skip(_ reason: String) -> StepOutcome { StepOutcome(skipped: reason, error: nil) }
  static func failure(_ error: MuonError) -> StepOutcome {
    StepOutcome(skipped: nil, error: error)
  }

  private init(skipped: String?, error: MuonError?) {
    (self.skipped, self.error) = (skipped, error)
  }

  // MARK: - As a number, of which the highest counts

  /// 0 for a step that can be made. An error goes before a step that is left out.
  func ballot(ofRank rank: Int) -> Int64 {
    guard !isReady else { return 0 }
    let code = error.flatMap { MuonError.Code.allCases.firstIndex(of: $0.code) }
    return Int64((code ?? -1) + 2) << 32 | Int64(rank)
  }

  static func rank(ofBallot ballot: Int64) -> Int { Int(ballot & 0xFFFF_FFFF) }

  /// What a ballot of more than 0 says, with its text.
  init(ballot: Int64, _ text: String) {
    let code = Int(ballot >> 32) - 2
    guard code >= 0 else {
      self = .skip(text)
      return
    }
    let codes = MuonError.Code.allCases
    self = .failure(MuonError(codes.indices.contains(code) ? codes[code] : .exchange, text))
  }
}
