/// The types in which a parameter, and what belongs to it, is stored. All arithmetic is in float32.
public struct ParameterStorage: Hashable, Sendable {
  /// Of the parameter: float32, bfloat16 or float16.
  public var elements: ElementType
  /// Of its gradient: one of the same; `nil`: as the parameter.
  public var gradient: ElementType?
  /// Of `Muon`'s momentum: float32, or bfloat16, rounded after each step. `AdamW` takes float32.
  public var momentum: ElementType
  /// What is kept of a parameter of 16 bits beside itself.
  public var master: Master

  /// Storage in these types.
  public init(
    _ elements: ElementType = .float32, gradient: ElementType? = nil,
    momentum: ElementType = .float32, master: Master = .float32
  ) {
    self.elements = elements
    self.gradient = gradient
    self.momentum = momentum
    self.master = master
  }

  package var gradientElements: ElementType { gradient ?? elements }

  /// - Parameter owner: For messages, such as "parameter w1".
  func check(_ owner: String) throws(MuonError) {
    for (what, type) in [("", elements), ("gradient of ", gradientElements)] {
      guard type != .int16 else {
        throw MuonError(
          .elementType,
          "the \(what)\(owner): i16 is no floating point; f32, bf16 or f16 is expected")
      }
    }
    guard momentum == .float32 || momentum == .bfloat16 else {
      throw MuonError(
        .unsupported, "\(owner): a momentum in \(momentum.rawValue); f32 or bf16 is expected")
    }
    guard master != .remainder || elements == .bfloat16 else {
      throw MuonError(
        .elementType,
        "\(owner): the master \"remainder\" is for bf16, and the parameter is \(elements.rawValue)")
    }
  }

  /// For checkpoints: what tells it from any other storage, the gradient's aside; `nil` where all is float32.
  var text: String? {
    let master = elements == .float32 ? Master.float32 : master
    guard elements != .float32 || momentum != .float32 else { return nil }
    return "\(elements.rawValue) master \(master.rawValue) momentum \(momentum.rawValue)"
  }
}

/// What the state keeps of a parameter of 16 bits, so that updates are not lost that are smaller than half of the
/// distance between two of its numbers. A float32 parameter needs none.
public enum Master: String, CaseIterable, Sendable {
  /// The parameter in float32, the state `master`: 4 bytes an element. After a step the parameter is the master
  /// rounded to nearest even. Where it is not, before a step, the caller has written it, and the master follows.
  case float32 = "f32"
  /// Nothing: a step is rounded to nearest even, and updates below half of that distance are lost.
  case none
  /// Of bfloat16, the lower half of the bits of float32, the state `remainder`: 2 bytes an element, for steps that are
  /// those of a float32 master to the bit. The parameter is the nearest, ties away from 0. An element that the caller
  /// writes keeps its remainder, which is at most half of the distance to the next.
  case remainder
}

/// The elements of a parameter, and what is kept beside them: what steps compute with is float32.
struct Weights {
  let data: Numbers
  /// With `Master.float32`.
  let master: Floats?
  /// With `Master.remainder`.
  let remainder: Numbers?

  subscript(part: Range<Int>) -> Weights {
    Weights(data: data[part], master: master?[part], remainder: remainder?[part])
  }

  /// Where float32 elements are that a step can change in place; `nil` where they need memory of their own.
  var inPlace: Floats? { data.floats ?? master }

  /// Gives them their values before a step: what the caller has written counts.
  func load(into working: Floats) {
    if master != nil {
      data.lead(working)
    } else if let remainder {
      data.join(remainder, into: working)
    } else if data.type != .float32 {
      data.widen(into: working)
    }
  }

  /// Runs `body` for the values that they would have, part by part, for a look at them that writes nothing.
  func forEachLoaded(_ body: (Floats) -> Void) {
    if let floats = data.floats { return body(floats) }
    Floats.onStack { memory in
      for start in stride(from: 0, to: data.count, by: memory.count) {
        let part = self[start..<min(start + memory.count, data.count)]
        let working = memory.first(part.data.count)
        if let master = part.master { working.copy(from: master) }
        part.load(into: working)
        body(working)
      }
    }
  }

  /// Puts the values after a step where they are kept.
  func store(from working: Floats) {
    if let remainder {
      data.split(working, into: remainder)
    } else if data.type != .float32 {
      data.round(from: working)
    }
  }
}

extension StateBuffer {
  /// What `Master` says, the last rows of every table of state.
  static let ofMaster = [
    StateBuffer("master", isParameter: true) {
      $0.storage.elements != .float32 && $0.storage.master == .float32 ? $0.shape.extents : nil
    },
    StateBuffer("remainder", .always(.int16), isParameter: true) {
      $0.storage.master == .remainder ? $0.shape.extents : nil
    },
  ]
}

extension ParameterBuffer {
  /// Of a parameter of 16 bits with `Master.float32`: the same in float32.
  public static let master = ParameterBuffer("master")
  /// Of a bfloat16 parameter with `Master.remainder`: the lower half of the bits of float32.
  public static let remainder = ParameterBuffer("remainder")
}
