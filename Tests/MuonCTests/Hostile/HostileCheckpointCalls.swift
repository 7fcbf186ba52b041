import CMuon
import Foundation
import Testing

extension HostileCall {
  private static let options = Argument.pointer(null: MUON_OK) {
    expectOK(
      unsafe muon_checkpoint_options_init($1.start(), MemoryLayout<muon_checkpoint_options>.size))
  }

  private static let optimizerList = Argument.pointer { world, memory in
    unsafe memory.start().pointee = world.muon.bits
  }

  private static let schedulerList = Argument.pointer { world, memory in
    unsafe memory.start().pointee = world.scheduler.bits
  }

  private static let optimizerCount = Argument.integer(1)

  static let checkpointPath = FileManager.default.temporaryDirectory
    .appending(path: "libmuon-\(ProcessInfo.processInfo.processIdentifier)")
    .path(percentEncoded: false)

  private static let path = Argument.text(
    checkpointPath,
    wrong: [
      ("empty", [], MUON_ERR_INVALID_ARGUMENT),
      ("not UTF-8", [0x2F, 0xFF, 0xFE], MUON_ERR_INVALID_ARGUMENT),
      ("in a folder that is not there", Array("/absent/run".utf8), MUON_ERR_IO),
      ("a folder", Array("/tmp".utf8), MUON_ERR_IO),
      ("a device", Array("/dev/null".utf8), MUON_ERR_IO),
      ("too long", [UInt8](repeating: 0x61, count: 5000), MUON_ERR_IO),
    ])

  /// The same where there is a checkpoint.
  private static let savedPath = Argument(
    right: { world, memory in
      var (muon, scheduler) = unsafe (world.muon.pointer, world.scheduler.pointer)
      expectOK(unsafe muon_checkpoint_save(checkpointPath, &muon, 1, &scheduler, 1, nil))
      return path.right(world, memory)
    }, wrong: path.wrong)

  /// The size of the checkpoint of the world's Muon and scheduler.
  private static func size(_ world: World) -> Int {
    var (muon, scheduler) = unsafe (world.muon.pointer, world.scheduler.pointer)
    var size = 0
    expectOK(unsafe muon_checkpoint_save_memory(&muon, 1, &scheduler, 1, nil, nil, 0, &size))
    return size
  }

  /// That checkpoint, in the memory of an argument.
  private static let saved = Argument(
    right: { world, memory in
      var (muon, scheduler) = unsafe (world.muon.pointer, world.scheduler.pointer)
      var size = 0
      expectOK(
        unsafe muon_checkpoint_save_memory(
          &muon, 1, &scheduler, 1, nil, memory.start(as: UInt8.self), ArgumentMemory.size, &size))
      return memory.address
    },
    wrong: { _, memory in
      [
        Argument.Wrong(what: "NULL", bits: 0, status: MUON_ERR_INVALID_ARGUMENT),
        Argument.Wrong(what: "moved", bits: memory.address + 1, status: MUON_ERR_CORRUPT),
        Argument.Wrong(what: "the last page", bits: .max - 63, status: MUON_ERR_INVALID_ARGUMENT),
      ]
    })

  private static func exactSize(_ wrong: [(Int, muon_status)]) -> Argument {
    Argument(
      right: { world, _ in UInt(size(world)) },
      wrong: { _, _ in
        wrong.map {
          Argument.Wrong(what: "\($0.0)", bits: UInt(bitPattern: $0.0), status: $0.1)
        }
      })
  }

  static func checkpoints() -> [HostileCall] {
    [
      HostileCall(
        "muon_checkpoint_options_init", .out,
        .integer(unsafe MemoryLayout<muon_checkpoint_options>.size)
      ) { unsafe muon_checkpoint_options_init($0.out(0), $0.integer(1)) },
      HostileCall(
        "muon_checkpoint_save", path, optimizerList, optimizerCount, schedulerList,
        .integer(1, fine: [0]), options
      ) {
        unsafe muon_checkpoint_save(
          $0.input(0), $0.input(1), $0.integer(2), $0.input(3), $0.integer(4), $0.input(5))
      },
      HostileCall(
        "muon_checkpoint_load", savedPath, optimizerList, optimizerCount, schedulerList,
        .integer(1, but: [0: MUON_ERR_MISMATCH]), options
      ) {
        unsafe muon_checkpoint_load(
          $0.input(0), $0.input(1), $0.integer(2), $0.input(3), $0.integer(4), $0.input(5))
      },
      HostileCall(
        "muon_checkpoint_save_memory", optimizerList, optimizerCount, schedulerList,
        .integer(1, fine: [0]), options,
        Argument(right: { $1.address }) { _, _ in
          [Argument.Wrong(what: "NULL", bits: 0, status: MUON_ERR_INVALID_ARGUMENT)]
        },
        exactSize([
          (0, MUON_OK), (-1, MUON_ERR_INVALID_ARGUMENT),
          (.min, MUON_ERR_INVALID_ARGUMENT), (100, MUON_ERR_INVALID_ARGUMENT),
        ]), .out
      ) {
        unsafe muon_checkpoint_save_memory(
          $0.input(0), $0.integer(1), $0.input(2), $0.integer(3), $0.input(4), $0.raw(5),
          $0.integer(6), $0.out(7))
      },
      HostileCall(
        "muon_checkpoint_load_memory", saved,
        exactSize([
          (0, MUON_ERR_CORRUPT), (-1, MUON_ERR_INVALID_ARGUMENT),
          (.min, MUON_ERR_INVALID_ARGUMENT), (100, MUON_ERR_CORRUPT),
        ]), optimizerList, optimizerCount, schedulerList, .integer(1, but: [0: MUON_ERR_MISMATCH]),
        options
      ) {
        unsafe muon_checkpoint_load_memory(
          $0.raw(0), $0.integer(1), $0.input(2), $0.integer(3), $0.input(4), $0.integer(5),
          $0.input(6))
      },
    ]
  }
}
