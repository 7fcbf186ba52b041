/// What a checkpoint is called inside: the keys of its metadata, and its tensors.
///
/// A checkpoint is a safetensors file. Everything but the tensors is in its metadata, as text; see
/// `ExactText`. There is a tensor for each buffer of each parameter.
enum CheckpointFormat {
  static let name = "libmuon.checkpoint"
  static let version = 1

  static func dtype(_ elementType: ElementType) -> String {
    switch elementType {
    case .float32: "F32"
    case .bfloat16: "BF16"
    case .float16: "F16"
    case .int16: "I16"
    }
  }

  /// The checksum of the length and the header, with its own digits as zeros, comes first: it can be checked
  /// before anything is read.
  static let opening = Array(#"{"__metadata__":{"checksum":""#.utf8)
  static let afterChecksum = Array("\"".utf8)
  static let afterMetadata = Array("}".utf8)
  static let beforeDtype = Array("{\"dtype\":".utf8)
  static let beforeShape = Array(",\"shape\":[".utf8)
  static let beforeOffsets = Array("],\"data_offsets\":[".utf8)
  static let afterOffsets = Array("]}".utf8)

  /// All of them, see `FirstUse`.
  static var constants: [[UInt8]] {
    [
      opening, afterChecksum, afterMetadata, beforeDtype, beforeShape, beforeOffsets, afterOffsets,
    ]
  }

  enum Key {
    static let format = "format"
    static let formatVersion = "format_version"
    static let libraryVersion = "library_version"
    /// Whether the parameters themselves are there, beside their state.
    static let data = "data"
    static let optimizers = "optimizers"
    static let schedulers = "schedulers"

    static func checksum(_ tensor: String) -> String { "checksum.\(tensor)" }

    static func optimizer(_ index: Int, _ what: String) -> String { "optimizers.\(index).\(what)" }
    static func group(_ optimizer: Int, _ group: Int, _ what: String) -> String {
      "optimizers.\(optimizer).groups.\(group).\(what)"
    }
    static func parameter(_ optimizer: Int, _ what: ParameterField, _ name: String) -> String {
      "optimizers.\(optimizer).\(what.rawValue).\(name)"
    }
    static func scheduler(_ index: Int, _ what: String) -> String { "schedulers.\(index).\(what)" }
    /// What a chain makes of a base rate at its step: it would have to be worked out from step 0.
    static func rate(_ scheduler: Int, _ base: Double) -> String {
      "schedulers.\(scheduler).rate.\(ExactText.text(base))"
    }
  }

  enum ParameterField: String {
    case group, steps
    /// How the parameter is seen as matrices; not there of one without a view.
    case view
    /// The types that the parameter, its master and its momentum are stored in; not there where all are float32.
    case storage
  }

  static func tensor(_ optimizer: Int, _ buffer: ParameterBuffer, _ parameter: String) -> String {
    "optimizers.\(optimizer).\(buffer.name).\(parameter)"
  }
}
