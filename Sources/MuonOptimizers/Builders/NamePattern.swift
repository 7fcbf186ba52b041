/// A pattern of names, as Python's fnmatchcase has them: `*` is any text, `?` one character, `[a-z]` one of these,
/// `[!a-z]` one of the others. Letters count as they are. A `[` without its `]` stands for itself.
struct NamePattern {
  private enum Piece {
    case anyText
    case one(Characters)
  }

  /// What one character may be.
  private struct Characters {
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var isNegated = false

    func contain(_ scalar: Unicode.Scalar) -> Bool {
      ranges.contains { $0.contains(scalar) } != isNegated
    }
  }

  private var pieces: [Piece] = []

  init(_ text: String) {
    let scalars = Array(text.unicodeScalars)
    var position = 0
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      switch scalar {
      case "*": pieces.append(.anyText)
      case "?": pieces.append(.one(Characters(isNegated: true)))
      case "[":
        if let end = NamePattern.end(ofSetFrom: position, in: scalars) {
          pieces.append(.one(NamePattern.characters(scalars[position..<end])))
          position = end + 1
        } else {
          fallthrough
        }
      default: pieces.append(.one(Characters(ranges: [scalar...scalar])))
      }
    }
  }

  /// Where the `]` of a set is, which may also have one as its first character.
  private static func end(ofSetFrom start: Int, in scalars: [Unicode.Scalar]) -> Int? {
    var position = start
    if position < scalars.count, scalars[position] == "!" { position += 1 }
    return scalars.indices.dropFirst(position + 1).first { scalars[$0] == "]" }
  }

  /// A range that ends before it begins is none; a `-` at either end is one of the characters.
  private static func characters(_ set: ArraySlice<Unicode.Scalar>) -> Characters {
    var result = Characters(isNegated: set.first == "!")
    var rest = result.isNegated ? set.dropFirst() : set
    while let first = rest.popFirst() {
      var last = first
      if rest.count >= 2, rest.first == "-" {
        rest.removeFirst()
        last = rest.removeFirst()
      }
      if first <= last { result.ranges.append(first...last) }
    }
    return result
  }

  /// Whether all of a name is as the pattern says. Takes no more than the product of their lengths.
  func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    var (piece, position) = (0, 0)
    // Behind the last `*`, and the position up to which it takes characters.
    var retry: (piece: Int, position: Int)?
    while position < scalars.count {
      if piece < pieces.count {
        switch pieces[piece] {
        case .anyText:
          piece += 1
          retry = (piece, position)
          continue
        case .one(let characters) where characters.contain(scalars[position]):
          piece += 1
          position += 1
          continue
        case .one: break
        }
      }
      guard let last = retry else { return false }
      piece = last.piece
      position = last.position + 1
      retry = (piece, position)
    }
    return pieces[piece...].allSatisfy { if case .anyText = $0 { true } else { false } }
  }
}
