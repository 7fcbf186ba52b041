/// The ranks of an exchange, as an optimizer sees them.
final class Ranks {
  /// The number of ranks beyond which a number is a mistake.
  static let most = 1 << 16

  private let exchange: any Exchange
  let own: Int
  let count: Int
  private let forks = Process.forks
  /// Why they do not hear of each other any more.
  private(set) var failure: String?
  /// Whether something was written here that the others may not have: all compare what they have in the next step.
  var hasNews = false

  init(_ exchange: any Exchange) throws(MuonError) {
    (self.exchange, own, count) = (exchange, exchange.rank, exchange.rankCount)
    try require(count, in: 1...Ranks.most, "the number of ranks")
    try requireIndex(own, count: count, "rank")
  }

  /// A child has its parent's connections: what it says or takes there, the other ranks and the parent miss.
  private func requireParent(_ call: String) throws(MuonError) {
    guard Process.forks == forks else {
      throw failed(
        call, "this is a fork of the process that is the rank; set the exchange to none here")
    }
  }

  private func failed(_ call: String, _ error: Any) -> MuonError {
    let text = "\(call) failed on rank \(own): \(error)"
    failure = failure ?? text
    return MuonError(.exchange, text)
  }

  /// Runs what this rank may fail in between two calls that all ranks make: the others go on without it, and so it
  /// cannot come back.
  func keepingUp(_ body: () throws(MuonError) -> Void) throws(MuonError) {
    do { try body() } catch {
      failure = failure ?? error.message
      throw error
    }
  }

  // MARK: - Before a step

  /// The highest of each value over all ranks.
  func highest(_ values: [Int64]) throws(MuonError) -> [Int64] {
    try requireParent("agree")
    var result = values
    do { try exchange.agree(&result) } catch { throw failed("agree", error) }
    // Somebody else's code wrote it.
    guard result.count == values.count else {
      throw failed("agree", "\(values.count) values went in, and \(result.count) came out")
    }
    return result
  }

  /// The highest of some values, and whether facts are the same on all ranks, of which all come with as many.
  ///
  /// - Returns: The highest, and the number of the first fact that differs, with the lowest that a rank has.
  func highest(
    _ values: [Int64], comparing facts: [Fact]
  ) throws(MuonError) -> (values: [Int64], difference: (fact: Int, lowest: Int64)?) {
    // The complement of a number is the higher, the lower the number is.
    let found = try highest(values + facts.flatMap { [$0.value, ~$0.value] })
    for (index, fact) in facts.enumerated() {
      let (most, least) = (
        found[values.count + 2 * index], ~found[values.count + 2 * index + 1]
      )
      if most != fact.value || least != fact.value {
        return (Array(found.prefix(values.count)), (index, least))
      }
    }
    return (Array(found.prefix(values.count)), nil)
  }

  /// Requires that facts are the same on all ranks.
  func requireSame(_ facts: [Fact]) throws(MuonError) {
    guard let difference = try highest([], comparing: facts).difference else { return }
    throw MuonError.ranksDiffer(in: facts[difference.fact].label())
  }

  /// A text of one rank, on all of them; as much of it as there is room for.
  func text(_ text: String, of rank: Int) throws(MuonError) -> String {
    // Seven bytes a value, so that it is not negative: those of the others are 0.
    let (count, size) = (64, 7)
    var values = Array(repeating: Int64(0), count: count)
    if rank == own {
      for (place, byte) in text.utf8.prefix(count * size).enumerated() {
        values[place / size] |= Int64(byte) << (8 * (place % size))
      }
    }
    let bytes = try highest(values).flatMap { value in
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  // MARK: - In a step

  func share(_ numbers: Numbers, from owner: Int) throws(MuonError) {
    try unsafe share(numbers.bytes, from: owner)
  }

  func share(_ numbers: Elements<Double>, from owner: Int) throws(MuonError) {
    try unsafe share(UnsafeMutableRawBufferPointer(numbers.buffer), from: owner)
  }

  @unsafe
  private func share(
    _ bytes: UnsafeMutableRawBufferPointer, from owner: Int
  ) throws(MuonError) {
    guard bytes.count > 0 else { return }
    do { try unsafe exchange.share(bytes, from: owner) } catch { throw failed("share", error) }
  }

  func finish() throws(MuonError) {
    do { try exchange.finish() } catch { throw failed("finish", error) }
  }
}

extension MuonError {
  /// - Parameter label: What differs, and what it is on this rank.
  static func ranksDiffer(in label: String) -> MuonError {
    MuonError(.exchange, "the ranks differ in \(label)")
  }
}
