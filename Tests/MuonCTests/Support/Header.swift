import Foundation

/// include/muon.h as text.
enum Header {
  static func text() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try String(
      contentsOf: root.appending(path: "include").appending(path: "muon.h"), encoding: .utf8)
  }

  /// The names of all functions it declares, without what stands in comments and macros.
  static func functions() throws -> [String] {
    let code = try text().replacing(/\/\*(?s:.)*?\*\//, with: " ")
      .replacing(/(?m)^#(.*\\\n)*.*$/, with: "")
    return code.matches(of: /\b(muon_[a-z0-9_]+)\s*\(/).map { String($0.1) }
  }
}
