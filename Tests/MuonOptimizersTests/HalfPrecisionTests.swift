import MuonOptimizers
import Testing

/// Parameters of bfloat16 and float16. What steps compute is tested from Python, in Tests/python/test_half_precision.py.
struct HalfPrecisionTests {
  private static let storages = [
    ParameterStorage(.bfloat16), ParameterStorage(.float16),
    ParameterStorage(.bfloat16, gradient: .float32),
    ParameterStorage(.bfloat16, momentum: .bfloat16, master: .remainder),
    ParameterStorage(.float16, master: .none), ParameterStorage(.float32, momentum: .bfloat16),
  ]

  /// bfloat16, as its definition has it: the upper half of the bits, to nearest even.
  private static func rounded(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits + 0x7FFF + bits >> 16 & 1) & 0xFFFF_0000)
  }

  @Test func valuesAreRoundedAndWidened() throws {
    let values = uniform(seed: 3, count: 60)
    let parameter = try Parameter(
      "w", shape: [6, 10], values: values, storage: ParameterStorage(.bfloat16))
    #expect(parameter.values == values.map(Self.rounded))
    let half = try Parameter(
      "w", shape: [6, 10], values: values, storage: ParameterStorage(.float16))
    #expect(half.values == values.map { Float(Float16($0)) })
    half.withMutableData { $0[3] = 1.0 / 3 }
    #expect(half.values[3] == Float(Float16(1.0 / 3)))
    #expect(half.withData { $0[3] } == half.values[3])
    try half.setGradient(values)
    #expect(half.gradientValues == values.map { Float(Float16($0)) })
    try half.withMutableGradient { $0[0] = 0.1 }
    #expect(half.gradientValues?[0] == Float(Float16(0.1)))
    let wide = try Parameter(
      "w", shape: [6, 10], values: values, storage: ParameterStorage(.float16, gradient: .float32))
    try wide.setGradient(values)
    #expect(wide.gradientValues == values)
  }

  @Test(arguments: storages) func aStepIsThatOfFloat32Rounded(_ storage: ParameterStorage) throws {
    let parameter = try Parameter(
      "w", shape: [6, 10], values: uniform(seed: 3, count: 60), storage: storage)
    let wide = try Parameter("w", shape: [6, 10], values: parameter.values)
    let (muon, reference) = (try Muon([parameter]), try Muon([wide]))
    try parameter.setGradient(gradient(step: 0, count: 60))
    try wide.setGradient(parameter.gradientValues ?? [])
    try muon.step()
    try reference.step()
    let expected = try Parameter("w", shape: [6, 10], values: wide.values, storage: storage)
    // Of remainders ties go the other way, and here there are none.
    #expect(parameter.values == expected.values)
    let momentum = try reference.values(of: .momentum, ofParameter: 0)
    #expect(
      try muon.values(of: .momentum, ofParameter: 0)
        == (storage.momentum == .float32 ? momentum : momentum.map(Self.rounded)))
    let buffers = try muon.stateBuffers(ofParameter: 0)
    #expect(
      buffers.contains(.master) == (storage.elements != .float32 && storage.master == .float32))
    #expect(buffers.contains(.remainder) == (storage.master == .remainder))
    if buffers.contains(.master) {
      #expect(try muon.values(of: .master, ofParameter: 0) == wide.values)
    }
  }

  @Test func remaindersAreWholeNumbers() throws {
    let parameter = try Parameter(
      "w", shape: [2], values: [1, 2], storage: ParameterStorage(.bfloat16, master: .remainder))
    let adamW = try AdamW([parameter])
    try adamW.setValues([-32768, 32767], of: .remainder, ofParameter: 0)
    #expect(try adamW.values(of: .remainder, ofParameter: 0) == [-32768, 32767])
    for wrong: [Float] in [[0, 0.5], [0, 32768], [.nan, 0]] {
      let error = #expect(throws: MuonError.self) {
        try adamW.setValues(wrong, of: .remainder, ofParameter: 0)
      }
      #expect(error?.code == .invalidArgument)
    }
    #expect(try adamW.values(of: .remainder, ofParameter: 0) == [-32768, 32767])
    #expect(adamW.stateBytes == 2 * (4 + 4 + 2))
  }

  @Test func memoryOfTheCallersIsOfWholeElements() throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { unsafe memory.deallocate() }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    func make(_ range: Range<Int>) throws -> Parameter {
      try unsafe Parameter(
        "w", shape: [3, 2], storage: ParameterStorage(.bfloat16),
        data: UnsafeMutableRawBufferPointer(rebasing: memory[range]), gradient: nil)
    }
    let parameter = try make(2..<14)
    try parameter.setGradient([1, 0, 0, 1, 0, 0])
    try Muon([parameter]).step()
    #expect(unsafe memory[0..<2].allSatisfy { $0 == 0 } && memory[14...].allSatisfy { $0 == 0 })
    #expect(unsafe memory[2..<14].contains { $0 != 0 })
    #expect(throws: MuonError.self) { try make(3..<15) }
    #expect(throws: MuonError.self) { try make(2..<13) }
    #expect(throws: MuonError.self) { try make(2..<12) }
  }

  @Test func storageIsRefusedWhereThereIsNone() throws {
    for (storage, code): (ParameterStorage, MuonError.Code) in [
      (ParameterStorage(.int16), .elementType), (ParameterStorage(gradient: .int16), .elementType),
      (ParameterStorage(momentum: .float16), .unsupported),
      (ParameterStorage(master: .remainder), .elementType),
      (ParameterStorage(.float16, master: .remainder), .elementType),
    ] {
      let error = #expect(throws: MuonError.self) {
        try Parameter("w", shape: [2, 2], storage: storage)
      }
      #expect(error?.code == code)
    }
    let error = #expect(throws: MuonError.self) {
      try AdamW([Parameter("w", shape: [2], storage: ParameterStorage(momentum: .bfloat16))])
    }
    #expect(error?.code == .unsupported)
  }
}
