import CMuon
import Testing

/// The arguments of one call, read as the types that the C function takes.
@safe
struct Arguments {
  let bits: [UInt]

  func handle(_ index: Int) -> OpaquePointer? { unsafe OpaquePointer(bitPattern: bits[index]) }
  func raw(_ index: Int) -> UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: bits[index])
  }
  func text(_ index: Int) -> UnsafePointer<CChar>? {
    unsafe UnsafePointer(bitPattern: bits[index])
  }
  func out<Value>(_ index: Int) -> UnsafeMutablePointer<Value>? {
    unsafe UnsafeMutablePointer(bitPattern: bits[index])
  }
  func input<Value>(_ index: Int) -> UnsafePointer<Value>? {
    unsafe UnsafePointer(bitPattern: bits[index])
  }
  func integer(_ index: Int) -> Int { Int(bitPattern: bits[index]) }
  func int64(_ index: Int) -> Int64 { Int64(integer(index)) }
  func int32(_ index: Int) -> Int32 { Int32(truncatingIfNeeded: bits[index]) }
  func uint32(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: bits[index]) }
  func double(_ index: Int) -> Double { Double(bitPattern: UInt64(bits[index])) }
}

/// A function of muon.h with arguments that are right, and for each of them all that is wrong.
struct HostileCall {
  let name: String
  private let arguments: [Argument]
  private let call: (Arguments) -> muon_status

  init(_ name: String, _ arguments: Argument..., call: @escaping (Arguments) -> muon_status) {
    self.name = name
    self.arguments = arguments
    self.call = call
  }

  /// Calls it rightly, and then with each wrong argument: it must say what the table says, write
  /// nothing where it refuses, and go on working.
  func run() {
    for (position, argument) in arguments.enumerated() {
      var stage = Stage(arguments)
      var wrongs = stage.wrongs(of: argument, at: position)
      for index in wrongs.indices {
        let wrong = wrongs[index]
        var bits = stage.right
        bits[position] = wrong.bits
        let before = stage.contents()
        let status = call(Arguments(bits: bits))
        let what: Comment = "\(name), argument \(position): \(wrong.what): \(lastError())"
        #expect(status == wrong.status, what)
        if status == MUON_OK {
          // It may have destroyed or changed something.
          stage = Stage(arguments)
          wrongs = stage.wrongs(of: argument, at: position)
        } else {
          #expect(stage.contents() == before, what)
          #expect(!lastError().isEmpty, what)
        }
      }
      let status = call(Arguments(bits: stage.right))
      #expect(status == MUON_OK, "\(name), rightly: \(lastError())")
    }
    if arguments.isEmpty {
      #expect(call(Arguments(bits: [])) == MUON_OK, "\(name)")
    }
  }

  static func run(_ calls: [HostileCall]) {
    for call in calls { call.run() }
  }

  /// A world with memory for each argument, filled as the call wants it.
  private struct Stage {
    let world = World()
    let right: [UInt]
    private let memory: [ArgumentMemory]

    init(_ arguments: [Argument]) {
      memory = arguments.map { [world] _ in
        let bytes = unsafe world.memory.bytes(ArgumentMemory.size)
        unsafe bytes.initializeMemory(
          as: UInt8.self, repeating: 0xA5, count: ArgumentMemory.size)
        return ArgumentMemory(address: UInt(bitPattern: bytes))
      }
      right = zip(arguments, memory).map { [world] in $0.right(world, $1) }
    }

    func wrongs(of argument: Argument, at position: Int) -> [Argument.Wrong] {
      argument.wrong(world, memory[position])
    }

    /// All the memory of the arguments.
    func contents() -> [[UInt8]] {
      memory.map {
        unsafe Array(UnsafeBufferPointer(start: $0.start(), count: ArgumentMemory.size))
      }
    }
  }
}
