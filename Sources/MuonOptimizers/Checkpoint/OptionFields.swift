// The options of a group as fields of a checkpoint, and back.

extension OptionTable {
  /// The names of the options in muon.h, and their values as text.
  var checkpointFields: [(name: String, value: String)] {
    let defaults = Self()
    var fields: [(name: String, value: String)] = []
    for option in Self.options {
      guard let value = option.value(self) else { continue }
      if option.isAlwaysSaved || value != option.value(defaults) {
        fields.append((option.name, ExactText.text(value)))
      }
    }
    return fields
  }

  /// From the texts that `key` leads to.
  init(_ header: CheckpointHeader, _ key: (String) -> String) throws(MuonError) {
    self.init()
    // A backend comes before the coefficients that only it may have.
    for option in Self.options where option.value(self) != nil {
      let key = key(option.name)
      let isThere = try header.field(key) != nil
      guard isThere || option.isAlwaysSaved else { continue }
      option.set(&self, try header.value(key, option.domain))
    }
  }
}

extension ExactText {
  /// For a count that something else decides.
  static let own = "own"

  static func text(_ value: OptionValue) -> String {
    switch value {
    case .number(let number): text(number)
    case .flag(let flag): text(flag)
    case .count(let count): count.map { text($0) } ?? own
    case .choice(let name): name
    case .rows(let rows): text(rows)
    }
  }
}

extension CheckpointHeader {
  /// Options of the same kind as others, from the texts that `key` leads to.
  func options(
    like present: some GroupOptions, _ key: (String) -> String
  ) throws(MuonError) -> any GroupOptions {
    try type(of: present).init(self, key)
  }

  fileprivate func value(_ key: String, _ domain: OptionDomain) throws(MuonError) -> OptionValue {
    switch domain {
    case .number: return .number(try number(key))
    case .flag: return .flag(try flag(key))
    case .count(let range):
      return .count(try required(key) == ExactText.own ? nil : try integer(key, in: range))
    case .choice(let names): return .choice(try choice(key, of: names, \.self))
    case .rows:
      let text = try required(key)
      guard let rows = ExactText.rows(text) else {
        throw wrong(key, text, "rows of three numbers")
      }
      return .rows(rows)
    }
  }
}
