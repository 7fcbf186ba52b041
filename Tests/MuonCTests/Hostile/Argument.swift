import CMuon

/// An argument of a C function, as the bits that are passed: what is right, and what is not.
struct Argument: Sendable {
  /// A wrong value, and the status it must lead to. `MUON_OK` where it is odd but right.
  struct Wrong: Sendable {
    let what: String
    let bits: UInt
    let status: muon_status
  }

  /// In a world, and with memory of its own.
  let right: @Sendable (World, ArgumentMemory) -> UInt
  let wrong: @Sendable (World, ArgumentMemory) -> [Wrong]
}

/// Memory that belongs to one argument of a call.
struct ArgumentMemory {
  static let size = 4096
  let address: UInt

  func start<Value>(as type: Value.Type = Value.self) -> UnsafeMutablePointer<Value> {
    unsafe UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }
}

// MARK: - Handles

extension Argument {
  enum Kind {
    case muon, adamW, optimizer, schedule, scheduler
  }

  /// Numbers that are no handles: small ones, all bits, addresses, and noise.
  private static func forgeries(_ memory: ArgumentMemory) -> [UInt] {
    var state: UInt = 0x9E37_79B9_7F4A_7C15
    let noise = (0..<16).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state | 1
    }
    return Array(1...16) + [.max, .max - 1, 1 << 63, 0xFFFF_FFFF, 0xDEAD_BEEF]
      + [memory.address, memory.address + 1] + noise
  }

  static func handle(_ kind: Kind, null: muon_status = MUON_ERR_INVALID_ARGUMENT) -> Argument {
    @Sendable func pick(_ world: World) -> Handle {
      switch kind {
      case .muon, .optimizer: world.muon
      case .adamW: world.adamW
      case .schedule: world.schedule
      case .scheduler: world.scheduler
      }
    }
    @Sendable func wrongs(_ world: World, _ memory: ArgumentMemory) -> [Wrong] {
      let right = pick(world).bits
      let live = [world.muon, world.adamW, world.schedule, world.scheduler].map(\.bits)
      // A function for either kind of optimizer takes both.
      let others = kind == .optimizer ? [world.schedule, world.scheduler].map(\.bits) : live
      // The right handle with one bit of its generation, slot or kind changed.
      let near = (0..<64).map { right ^ (1 << UInt($0)) }.filter { !live.contains($0) }
      let invalid = others.filter { $0 != right } + world.stale.map(\.bits) + near
      return [Wrong(what: "NULL", bits: 0, status: null)]
        + (invalid + forgeries(memory)).map {
          Wrong(what: "0x" + String($0, radix: 16), bits: $0, status: MUON_ERR_INVALID_HANDLE)
        }
    }
    return Argument(right: { world, _ in pick(world).bits }, wrong: wrongs)
  }
}

// MARK: - Pointers

extension Argument {
  /// Memory that the function writes, or that `fill` has filled for it to read.
  static func pointer(
    null: muon_status = MUON_ERR_INVALID_ARGUMENT,
    misaligned: muon_status = MUON_ERR_INVALID_ARGUMENT,
    _ fill: @escaping @Sendable (World, ArgumentMemory) -> Void = { _, _ in }
  ) -> Argument {
    Argument(
      right: { world, memory in
        fill(world, memory)
        return memory.address
      },
      wrong: { _, memory in
        [
          Wrong(what: "NULL", bits: 0, status: null),
          Wrong(what: "misaligned", bits: memory.address + 1, status: misaligned),
        ]
      })
  }

  static let out = Argument.pointer()
  static let optionalOut = Argument.pointer(null: MUON_OK)

  /// Text without an alignment, and texts that it must not be.
  static func text(_ right: String, wrong: [(String, [UInt8], muon_status)]) -> Argument {
    Argument(
      right: { world, _ in unsafe UInt(bitPattern: world.memory.text(right.utf8)) },
      wrong: { world, _ in
        [Wrong(what: "NULL", bits: 0, status: MUON_ERR_INVALID_ARGUMENT)]
          + wrong.map { what, utf8, status in
            Wrong(
              what: what, bits: unsafe UInt(bitPattern: world.memory.text(utf8)), status: status)
          }
      })
  }
}

// MARK: - Numbers

extension Argument {
  /// Signed and of 64 bits, or a `size_t`: the usual suspects, each refused unless it is `fine`.
  static func integer(
    _ right: Int, fine: [Int] = [], refused status: muon_status = MUON_ERR_INVALID_ARGUMENT,
    but exceptions: [Int: muon_status] = [:]
  ) -> Argument {
    let suspects = [0, -1, .min, .max, 1 << 32, 1 << 62]
    return numbers(right, suspects, fine, status, exceptions)
  }

  static func int32(
    _ right: Int, fine: [Int] = [], refused status: muon_status = MUON_ERR_INVALID_ARGUMENT
  ) -> Argument {
    numbers(right, [0, -1, Int(Int32.min), Int(Int32.max)], fine, status, [:])
  }

  /// Any number may arrive in place of an enum.
  static func enumeration(_ right: UInt32, fine: [Int] = []) -> Argument {
    let suspects = [0, 77, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
    return numbers(Int(right), suspects, fine, MUON_ERR_INVALID_ARGUMENT, [:])
  }

  private static func numbers(
    _ right: Int, _ suspects: [Int], _ fine: [Int], _ status: muon_status,
    _ exceptions: [Int: muon_status]
  ) -> Argument {
    let wrong = suspects.filter { $0 != right }.map {
      Wrong(
        what: "\($0)", bits: UInt(bitPattern: $0),
        status: fine.contains($0) ? MUON_OK : exceptions[$0] ?? status)
    }
    return Argument(right: { _, _ in UInt(bitPattern: right) }, wrong: { _, _ in wrong })
  }

  static func double(_ right: Double, refused: [Double] = [], fine: [Double] = []) -> Argument {
    let suspects = [Double.nan, .signalingNaN, .infinity, -.infinity, -1]
    let wrong = (suspects + refused + fine).map { value in
      let isFine = fine.contains { $0 == value || $0.isNaN && value.isNaN }
      return Wrong(
        what: "\(value)", bits: UInt(value.bitPattern),
        status: isFine ? MUON_OK : MUON_ERR_INVALID_ARGUMENT)
    }
    return Argument(
      right: { _, _ in UInt(right.bitPattern) }, wrong: { _, _ in wrong })
  }
}
