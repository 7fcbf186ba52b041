internal import CMuon
internal import MuonOptimizers

/// A struct of options in muon.h, whose fields are named as the options of a table.
protocol OptionStruct: SizedStruct {
  associatedtype Options: OptionTable
  /// Shows each field to a visitor; `struct_size` is none.
  mutating func visit(_ visitor: inout some FieldVisitor) throws
}

/// Takes fields of the types that options have in C.
protocol FieldVisitor {
  mutating func visit(_ name: String, _ field: inout Double) throws
  /// A flag, or a count, of which 0 is `nil`.
  mutating func visit(_ name: String, _ field: inout Int32) throws
  mutating func visit(_ name: String, _ field: inout some NamedEnum) throws
  mutating func visit(
    _ name: String, _ rows: inout UnsafePointer<muon_coefficients>?, _ count: inout Int) throws
}

extension OptionStruct {
  /// The fields as options. Where the caller gives no rows, those of `present` stay.
  func options(present: Options? = nil) throws -> Options {
    var (fields, reader) = (self, FieldReader(present: present))
    try fields.visit(&reader)
    return reader.options
  }

  /// Options as fields, without struct_size, which is the caller's, and with no rows but their count.
  init(_ options: Options) throws {
    self.init()
    var writer = FieldWriter(options: options)
    try visit(&writer)
  }
}

/// Reads and writes such a struct once: Swift's runtime makes what generic code needs when it is first used, see
/// `FirstUse`.
func prepareOptions<C: OptionStruct>(_ type: C.Type) {
  let options = try? C(C.Options()).options()
  FirstUse.note(options?.hashValue ?? 0)
}

/// The options that a caller gives; the defaults for NULL.
@unsafe
func options<C: OptionStruct>(
  _ pointer: UnsafePointer<C>?, present: C.Options? = nil
) throws -> C.Options {
  guard unsafe pointer != nil else { return C.Options() }
  let present = present ?? C.Options()
  // What an older caller's struct does not have stays as it is.
  return try unsafe readStruct(pointer, "options", over: C(present)).options(present: present)
}

private struct FieldReader<Options: OptionTable>: FieldVisitor {
  var options = Options()
  let present: Options?

  mutating func visit(_ name: String, _ field: inout Double) throws {
    try options.set(name, to: .number(field))
  }

  mutating func visit(_ name: String, _ field: inout Int32) throws {
    if case .flag = try Options.option(name).domain {
      try options.set(name, to: .flag(try flag(field, name)))
    } else {
      try options.set(name, to: .count(steps(field)))
    }
  }

  mutating func visit(_ name: String, _ field: inout some NamedEnum) throws {
    try options.set(name, to: .choice(try field.name(of: name)))
  }

  mutating func visit(
    _ name: String, _ rows: inout UnsafePointer<muon_coefficients>?, _ count: inout Int
  ) throws {
    let option = try Options.option(name)
    guard case .rows(let range) = option.domain, option.value(options) != nil else {
      guard unsafe rows == nil else {
        throw CallError(
          MUON_ERR_INVALID_ARGUMENT, "\(name) are for MUON_BACKEND_CUSTOM only")
      }
      return
    }
    if unsafe rows == nil, let kept = present.flatMap(option.value) {
      try options.set(name, to: kept)
    } else {
      let given = try unsafe list(rows, count: count, most: range.upperBound, name)
      try options.set(name, to: .rows(unsafe given.map { [$0.a, $0.b, $0.c] }))
    }
  }
}

private struct FieldWriter<Options: OptionTable>: FieldVisitor {
  let options: Options

  private func value(_ name: String) throws -> OptionValue? {
    try Options.option(name).value(options)
  }

  func visit(_ name: String, _ field: inout Double) throws {
    if case .number(let number) = try value(name) { field = number }
  }

  func visit(_ name: String, _ field: inout Int32) throws {
    switch try value(name) {
    case .flag(let flag): field = flag ? 1 : 0
    case .count(let count): field = Int32(clamping: count ?? 0)
    default: break
    }
  }

  func visit<C: NamedEnum>(_ name: String, _ field: inout C) throws {
    if case .choice(let choice) = try value(name) { field = try C(named: choice) }
  }

  func visit(
    _ name: String, _ rows: inout UnsafePointer<muon_coefficients>?, _ count: inout Int
  ) throws {
    if case .rows(let present) = try value(name) { count = present.count }
  }
}
