// swift-tools-version: 6.2
// A package of its own that uses only what MuonOptimizers makes public. The tests copy it two
// folders below the root, and put the README's Swift example into ReadmeExample.
import PackageDescription

let muon = Target.Dependency.product(name: "MuonOptimizers", package: "libmuon")

let package = Package(
  name: "consumer",
  dependencies: [.package(name: "libmuon", path: "../..")],
  targets: [
    .executableTarget(name: "Replay", dependencies: [muon]),
    .executableTarget(name: "ReadmeExample", dependencies: [muon]),
  ]
)
