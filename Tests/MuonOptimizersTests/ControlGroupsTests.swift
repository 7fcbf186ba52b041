import Foundation
import Testing

@testable import MuonOptimizers

/// The limits of control groups, read off trees of files as Linux shows them.
@Suite struct ControlGroupsTests {
  private static let unified =
    "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
  private static let separate =
    "30 1 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    + "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    + "32 30 0:28 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"

  /// What it makes of a machine with these files.
  private func quota(cgroup: String, mounts: String, _ files: [String: String]) throws -> Int? {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: root) }
    let all = files.merging(["proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts]) { $1 }
    for (path, text) in all {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: false, encoding: .utf8)
    }
    return ControlGroups(root: root.path).quota
  }

  @Test func theLeastOfNestedGroups() throws {
    let group = "0::/system.slice/train.service\n"
    let base = "sys/fs/cgroup/"
    // The root has no such file.
    #expect(
      try quota(
        cgroup: group, mounts: Self.unified,
        [
          base + "system.slice/cpu.max": "max 100000\n",
          base + "system.slice/train.service/cpu.max": "250000 100000\n",
        ]) == 3)
    #expect(
      try quota(
        cgroup: group, mounts: Self.unified,
        [
          base + "system.slice/cpu.max": "100000 50000\n",
          base + "system.slice/train.service/cpu.max": "max 100000\n",
        ]) == 2)
    #expect(
      try quota(
        cgroup: group, mounts: Self.unified,
        [
          base + "system.slice/cpu.max": "100000 100000\n",
          base + "system.slice/train.service/cpu.max": "700000 100000\n",
        ]) == 1)
    // Of another group.
    #expect(
      try quota(
        cgroup: group, mounts: Self.unified, [base + "user.slice/cpu.max": "100000 100000\n"])
        == nil)
  }

  @Test func aContainerSeesItsOwnGroupAtTheMount() throws {
    let files = [
      "sys/fs/cgroup/cpu.max": "400000 100000\n", "sys/fs/cgroup/job/cpu.max": "150000 100000\n",
    ]
    // With a namespace of its own.
    #expect(try quota(cgroup: "0::/job\n", mounts: Self.unified, files) == 2)
    #expect(try quota(cgroup: "0::/\n", mounts: Self.unified, files) == 4)
    // Without one: the group's whole path, of which the mount shows a part.
    let part = Self.unified.replacingOccurrences(of: " / /sys", with: " /docker/4f /sys")
    #expect(try quota(cgroup: "0::/docker/4f/job\n", mounts: part, files) == 2)
    #expect(try quota(cgroup: "0::/docker/4f\n", mounts: part, files) == 4)
    // A group outside of it, or of the name's beginning.
    #expect(try quota(cgroup: "0::/docker/4fe/job\n", mounts: part, files) == 4)
    #expect(try quota(cgroup: "0::/../job\n", mounts: Self.unified, files) == 4)
  }

  @Test func version1() throws {
    let base = "sys/fs/cgroup/cpu,cpuacct/"
    let group = "5:cpuset:/other\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a/b\n"
    func files(_ a: String, _ b: String) -> [String: String] {
      [
        base + "cpu.cfs_quota_us": "-1\n", base + "cpu.cfs_period_us": "100000\n",
        base + "a/cpu.cfs_quota_us": a, base + "a/cpu.cfs_period_us": "100000\n",
        base + "a/b/cpu.cfs_quota_us": b, base + "a/b/cpu.cfs_period_us": "10000\n",
        "sys/fs/cgroup/cpuset/other/cpu.cfs_quota_us": "10000\n",
      ]
    }
    #expect(try quota(cgroup: group, mounts: Self.separate, files("-1\n", "-1\n")) == nil)
    #expect(try quota(cgroup: group, mounts: Self.separate, files("200000\n", "-1\n")) == 2)
    #expect(try quota(cgroup: group, mounts: Self.separate, files("200000\n", "8000\n")) == 1)
    #expect(try quota(cgroup: group, mounts: Self.separate, files("200000\n", "50000\n")) == 2)
  }

  @Test func bothVersionsAtOnce() throws {
    // Version 2 has no controller `cpu` then, and no such files.
    let mounts = Self.separate + "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    #expect(
      try quota(
        cgroup: "4:cpu,cpuacct:/a\n0::/a\n", mounts: mounts,
        [
          "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n",
          "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
        ]) == 3)
  }

  @Test func whatCannotBeReadIsNoLimit() throws {
    #expect(try quota(cgroup: "", mounts: "", [:]) == nil)
    #expect(ControlGroups(root: "/does/not/exist").quota == nil)
    for text in [
      "", "max", "100000", "-5 100000", "100000 0", "x y", "1 2 3", "99999999999999999999 1",
    ] {
      #expect(
        try quota(cgroup: "0::/\n", mounts: Self.unified, ["sys/fs/cgroup/cpu.max": text]) == nil,
        "\(text)")
    }
    for line in ["0::", "::", "0", "\n\n", "0::/a:b\n"] {
      _ = try quota(cgroup: line, mounts: Self.unified + "30 - cgroup2\n- - -\n\\", [:])
    }
    // The largest numbers there are.
    #expect(
      try quota(
        cgroup: "0::/\n", mounts: Self.unified,
        ["sys/fs/cgroup/cpu.max": "9223372036854775807 1\n"]) == Int.max)
  }

  @Test func placesWithSpaces() throws {
    let mounts = "30 1 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n"
    #expect(
      try quota(cgroup: "0::/a b\n", mounts: mounts, ["my groups/a b/cpu.max": "100000 50000\n"])
        == 2)
  }

  @Test func itIsPartOfTheNumber() {
    #expect(Processors.available >= 1)
    #expect(Processors.available <= ControlGroups().quota ?? .max)
  }
}
