// Texts of the caller's in messages.

extension String {
  /// The beginning of it, where it has more bytes.
  func shortened(to most: Int) -> String {
    guard utf8.count > most else { return self }
    return String(decoding: utf8.prefix(most), as: UTF8.self).prefix { $0 != "\u{FFFD}" } + "..."
  }

  /// On one line, and without what would steer a terminal or turn the order of the letters around: as JSON
  /// escapes it.
  package var escapingControls: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case _ where scalar.isControl:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}

extension Unicode.Scalar {
  /// C0, C1, the separators of lines and paragraphs, and the marks of the direction of writing.
  fileprivate var isControl: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
