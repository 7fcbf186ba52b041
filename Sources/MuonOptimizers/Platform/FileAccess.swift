internal import CMuonShims
internal import Glibc

/// Who may do what with a file, so that the one that replaces it is for the same people.
struct FileAccess {
  private enum List {
    case none
    case bytes([UInt8])
    case unknown
  }

  private let owner: uid_t
  private let group: gid_t
  private let permissions: mode_t
  /// The access control list: other users and groups.
  private let list: List

  /// Of a file that is there; nothing else has any.
  init?(_ path: String) {
    var present = stat()
    guard unsafe lstat(path, &present) == 0, present.st_mode & S_IFMT == S_IFREG else { return nil }
    (owner, group, permissions) = (present.st_uid, present.st_gid, present.st_mode & 0o777)
    list = FileAccess.list(of: path)
  }

  private static func list(of path: String) -> List {
    let most = 1 << 16  // as Linux has it
    var bytes = [UInt8](repeating: 0, count: most)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe muon_shim_get_access_list(path, $0.baseAddress, most)
    }
    return count < 0 ? .unknown : count == 0 ? .none : .bytes(Array(bytes.prefix(count)))
  }

  /// Gives all of it to an open file of this process's, which nobody else can read so far. What cannot be
  /// given, such as a group this user is not in, makes the file private rather than public: nobody can do
  /// more with it than with the old one, but this user.
  func give(to descriptor: CInt) {
    var present = stat()
    guard unsafe fstat(descriptor, &present) == 0 else { return }
    if present.st_uid != owner || present.st_gid != group {
      if fchown(descriptor, owner, group) != 0 { fchown(descriptor, uid_t.max, group) }
      guard unsafe fstat(descriptor, &present) == 0 else { return }
    }
    let keepsOwner = present.st_uid == owner
    let keepsGroup = present.st_gid == group
    var mode = permissions
    if !(keepsOwner && keepsGroup) {
      // Who was in one class may be in another now, which can do what both could.
      var (ofGroup, ofOthers) = (permissions >> 3 & 0o7, permissions & 0o7)
      if !keepsGroup { (ofGroup, ofOthers) = (ofGroup & ofOthers, ofGroup & ofOthers) }
      if !keepsOwner {
        ofGroup &= permissions >> 6
        ofOthers &= permissions >> 6
      }
      mode = permissions & 0o700 | ofGroup << 3 | ofOthers
    }
    if !giveList(to: descriptor, keepsOwner && keepsGroup) { mode = permissions & 0o700 }
    // Not all file systems can.
    fchmod(descriptor, mode)
  }

  /// Whether the file now has the same list: also none, in place of one that its folder gave it.
  private func giveList(to descriptor: CInt, _ keepsOwners: Bool) -> Bool {
    switch list {
    case .none:
      muon_shim_set_access_list(descriptor, nil, 0) == 0
    case .bytes(let bytes):
      unsafe keepsOwners
        && bytes.withUnsafeBytes {
          unsafe muon_shim_set_access_list(descriptor, $0.baseAddress, $0.count) == 0
        }
    case .unknown:
      false
    }
  }
}
