import Foundation
import Testing

@testable import MuonOptimizers

/// The tables of options: whether they are whole, and what is made of them.
struct OptionTableTests {
  /// A stored property without a row would not be in C, in configurations and in checkpoints.
  private func requireWhole<Options: OptionTable>(_ type: Options.Type) {
    let stored = Mirror(reflecting: Options()).children.count
    #expect(Options.options.count { $0.keyPath != nil } == stored)
    #expect(Set(Options.options.map(\.name)).count == Options.options.count)
  }

  @Test func haveARowForEveryProperty() {
    requireWhole(MuonOptions.self)
    requireWhole(AdamWOptions.self)
    requireWhole(OrthogonalizeOptions.self)
  }

  /// Sets every option to another value, by its name.
  private func changed<Options: OptionTable>(_ options: Options) throws -> Options {
    var changed = options
    for option in Options.options {
      switch (option.domain, option.value(options)) {
      case (.number, .number(let number)):
        try changed.set(option.name, to: .number(number / 2 + 0.25))
      case (.flag, .flag(let flag)): try changed.set(option.name, to: .flag(!flag))
      case (.count, _): try changed.set(option.name, to: .count(3))
      case (.choice(let names), .choice(let name)):
        try changed.set(option.name, to: .choice(try #require(names.last { $0 != name })))
      case (.rows, _): try changed.set(option.name, to: .rows([[1, 2, 3], [4, 5, 6]]))
      default: Issue.record("\(option.name) has no value of its kind")
      }
      #expect(option.value(changed) != option.value(options), "\(option.name)")
    }
    return changed
  }

  private func requireRoundTrip<Options: OptionTable>(_ type: Options.Type) throws {
    let before = try changed(Options())
    var after = Options()
    for option in Options.options {
      if let value = option.value(before) { try after.set(option.name, to: value) }
    }
    #expect(after == before && before != Options())
  }

  @Test func areSetByName() throws {
    try requireRoundTrip(MuonOptions.self)
    try requireRoundTrip(AdamWOptions.self)
    try requireRoundTrip(OrthogonalizeOptions.self)
    var options = AdamWOptions()
    #expect(throws: MuonError.self) { try options.set("beta3", to: .number(0)) }
  }

  @Test(arguments: [NumberRange.nonNegative, .positive, .decayRate])
  func rangesSayWhatTheyTake(_ range: NumberRange) {
    func takes(_ value: Double) -> Bool { (try? range.require(value, "x")) != nil }
    #expect(takes(range.minimum) == range.includesMinimum)
    #expect(takes(range.maximum) == range.includesMaximum)
    #expect(takes(0.5) && !takes(-1) && !takes(.nan) && !takes(.infinity) && !takes(1e39))
    #expect(!takes(range.minimum - 1e-30) && !takes(range.maximum * 1.0001))
  }

  @Test func overridesAreOnlyWhatWasSet() throws {
    var section = TrainingConfiguration.AdamWSection()
    #expect(section.epsilon == nil && section.beta1 == nil)
    section.epsilon = 0.5
    #expect(section.epsilon == 0.5)
    var options = AdamWOptions(beta1: 0.25)
    section.apply(to: &options)
    #expect(options == AdamWOptions(beta1: 0.25, epsilon: 0.5))
    section.epsilon = nil
    #expect(section.epsilon == nil && section == .init())
    // A text has both or none.
    section.beta1 = 0.75
    #expect(throws: EncodingError.self) { try JSONEncoder().encode(section) }
    section.beta2 = 0.25
    let text = String(decoding: try JSONEncoder().encode(section), as: UTF8.self)
    #expect(text == #"{"betas":[0.75,0.25]}"#)
  }
}
