extension Schedule {
  /// The schedule in one line, such as `sequential(linear(0x1p-1,0x1p+0,5),cosine(100,0x0p+0);5)`: equal
  /// for equal schedules, and for no others.
  var text: String { form.text }
}

extension Schedule.Form {
  fileprivate var text: String {
    switch self {
    case .linear(let start, let end, let iterations):
      "linear(\(ExactText.text(start)),\(ExactText.text(end)),\(iterations))"
    case .constant(let factor, let iterations):
      "constant(\(ExactText.text(factor)),\(iterations))"
    case .cosine(let period, let minimum):
      "cosine(\(period),\(ExactText.text(minimum)))"
    case .sequential(let forms, let milestones):
      "sequential(\(Self.list(forms));\(milestones.map(String.init).joined(separator: ",")))"
    case .chained(let forms):
      "chained(\(Self.list(forms)))"
    }
  }

  private static func list(_ forms: [Schedule.Form]) -> String {
    forms.map(\.text).joined(separator: ",")
  }
}
