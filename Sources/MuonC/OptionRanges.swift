// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_option_get_range(
  _ kind: muon_optimizer_kind, _ name: UnsafePointer<CChar>?,
  _ outRange: UnsafeMutablePointer<muon_option_range>?
) -> muon_status {
  unsafe guarded(outRange, "outRange") {
    let name = try unsafe string(name, "name")
    _ = try kind.name(of: "kind")
    return switch kind {
    case MUON_OPTIMIZER_KIND_MUON: try unsafe range(of: name, muon_muon_options.self)
    case MUON_OPTIMIZER_KIND_ADAMW: try range(of: name, muon_adamw_options.self)
    default: try unsafe range(of: name, muon_orthogonalize_options.self)
    }
  }
}

private func range<C: OptionStruct>(of name: String, _ type: C.Type) throws -> muon_option_range {
  var fields = try C(C.Options())
  var finder = RangeFinder(name: name, domain: try C.Options.option(name).domain)
  try fields.visit(&finder)
  return finder.range
}

/// Finds the field of an option, in a struct that has the defaults.
private struct RangeFinder: FieldVisitor {
  let name: String
  let domain: OptionDomain
  var range = muon_option_range()

  private mutating func note(_ values: ClosedRange<Double>, default value: Double) {
    (range.minimum, range.maximum) = (values.lowerBound, values.upperBound)
    range.default_value = value
  }

  mutating func visit(_ name: String, _ field: inout Double) {
    guard name == self.name, case .number(let numbers) = domain else { return }
    note(numbers.minimum...numbers.maximum, default: field)
    range.minimum_is_open = numbers.includesMinimum ? 0 : 1
    range.maximum_is_open = numbers.includesMaximum ? 0 : 1
  }

  mutating func visit(_ name: String, _ field: inout Int32) {
    guard name == self.name else { return }
    switch domain {
    case .flag: note(0...1, default: Double(field))
    // 0 is that something else decides it.
    case .count(let counts): note(0...Double(counts.upperBound), default: Double(field))
    default: break
    }
  }

  mutating func visit<C: NamedEnum>(_ name: String, _ field: inout C) {
    guard name == self.name, case .choice(let choices) = domain else { return }
    let values = C.names.filter { choices.contains($0.name) }.map { Double($0.value.rawValue) }
    note((values.min() ?? 0)...(values.max() ?? 0), default: Double(field.rawValue))
  }

  mutating func visit(
    _ name: String, _ rows: inout UnsafePointer<muon_coefficients>?, _ count: inout Int
  ) {
    guard name == self.name, case .rows(let counts) = domain else { return }
    note(Double(counts.lowerBound)...Double(counts.upperBound), default: Double(count))
  }
}
