internal import Glibc

/// The control groups of this process, which containers, and systemd's CPUQuota, limit it by: those of
/// version 2, or the one of version 1 that has the controller `cpu`.
struct ControlGroups {
  /// The group's folder, and those of the groups that it is in, as far as they can be seen.
  private let folders: [String]

  /// - Parameter root: Where `/proc` and `/sys` are, for tests.
  init(root: String = "") {
    let mounts = lines(of: root + "/proc/self/mountinfo").compactMap(Mount.init)
    folders = lines(of: root + "/proc/self/cgroup").flatMap { line -> [String] in
      // hierarchy:controllers:path, where version 2 has no controllers.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isUnified = fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains("cpu") else { return [] }
      let candidates = mounts.filter { isUnified ? $0.isUnified : $0.hasProcessors }
      return (candidates.first { $0.contains(fields[2]) } ?? candidates.first)?
        .folders(to: fields[2]).map { root + $0 } ?? []
    }
  }

  /// The processors that the groups may use, rounded up: the least of all, for each limits what is in it. `nil`
  /// where there is no limit.
  var quota: Int? { folders.compactMap(ControlGroups.quota).min() }

  private static func quota(of folder: String) -> Int? {
    // Version 2: "150000 100000", or "max 100000". Version 1: -1 is no limit.
    let numbers =
      numbers(in: folder + "/cpu.max")
      ?? (numbers(in: folder + "/cpu.cfs_quota_us") ?? [])
      + (numbers(in: folder + "/cpu.cfs_period_us") ?? [])
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
    else { return nil }
    return quota / period + (quota % period > 0 ? 1 : 0)
  }

  private static func numbers(in path: String) -> [Int?]? {
    lines(of: path).first?.split(separator: " ").map { Int($0) }
  }
}

/// A place where control groups are seen.
private struct Mount {
  /// The group that is at the mount's point: a container sees a part of the tree alone.
  let root: Substring
  let point: String
  let isUnified: Bool
  let hasProcessors: Bool

  /// - Parameter line: Of mountinfo: "36 35 98:0 /root /point options - type source super,options", where other
  ///   fields may come before the dash.
  init?(_ line: Substring) {
    let fields = line.split(separator: " ")
    guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count >= dash + 4 else {
      return nil
    }
    isUnified = fields[dash + 1] == "cgroup2"
    hasProcessors =
      fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("cpu")
    guard isUnified || hasProcessors else { return nil }
    (root, point) = (fields[3], unescaped(fields[4]))
  }

  func contains(_ group: Substring) -> Bool {
    root == "/" || group == root || group.hasPrefix(root + "/")
  }

  /// The folders from this mount's to the group's. A group that is outside of the mount is taken for its root.
  func folders(to group: Substring) -> [String] {
    let isBelow = contains(group) && !group.split(separator: "/").contains("..")
    let below = isBelow ? group.dropFirst(root == "/" ? 0 : root.count) : ""
    return below.split(separator: "/").reduce(into: [point]) { folders, name in
      folders.append((folders.last ?? point) + "/" + name)
    }
  }
}

/// mountinfo has spaces and the like as \040.
private func unescaped(_ text: Substring) -> String {
  var parts = text.split(separator: "\\", omittingEmptySubsequences: false)
  let first = String(parts.removeFirst())
  return parts.reduce(into: first) { result, part in
    guard let code = UInt8(part.prefix(3), radix: 8) else {
      result += "\\" + part
      return
    }
    result += String(UnicodeScalar(code)) + part.dropFirst(3)
  }
}

/// None where the file cannot be read.
private func lines(of path: String) -> [Substring] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return [] }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  let most = 1 << 20
  while bytes.count < most {
    var next = [UInt8](repeating: 0, count: 4096)
    let count = unsafe next.withUnsafeMutableBytes {
      unsafe read(descriptor, $0.baseAddress, $0.count)
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { break }
    bytes += next.prefix(count)
  }
  return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
}
