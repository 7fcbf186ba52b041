// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// What Swift's runtime calls for memory goes through CMuonShims/reserve.c in the shared library.
let reserve = [
  "malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "malloc_usable_size",
  "strdup",
].flatMap { ["-Xlinker", "--wrap=\($0)"] }

/// As distributions harden C; what Swift compiles checks itself.
let hardened: [CSetting] = [
  .unsafeFlags(["-fstack-protector-strong"]),
  // It needs an optimizing compiler.
  .define("_FORTIFY_SOURCE", to: "2", .when(configuration: .release)),
]
/// The same for links: no table of addresses and no stack that can be written and run, or changed later.
let hardenedLink = ["relro", "now", "noexecstack", "separate-code"].flatMap {
  ["-Xlinker", "-z", "-Xlinker", $0]
}

let package = Package(
  name: "libmuon",
  products: [
    .library(name: "MuonOptimizers", targets: ["MuonOptimizers"]),
    .library(name: "muon", type: .dynamic, targets: ["MuonC"]),
  ],
  targets: [
    // Headers only: the C contract, which MuonC implements.
    .target(name: "CMuon", path: "include", publicHeadersPath: "."),
    // For the tests: the library loads OpenBLAS by name, see CMuonShims/openblas.c.
    .systemLibrary(
      name: "COpenBLAS", path: "Tests/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CMuonShims", cSettings: hardened),
    .systemLibrary(name: "CLibstdcxx"),
    // Optimized in every configuration: without it the tests would take an hour.
    .target(name: "CMuonKernels", cSettings: hardened + [.unsafeFlags(["-O2"])]),
    .target(
      name: "MuonOptimizers", dependencies: ["CMuonKernels", "CMuonShims"],
      swiftSettings: strict),
    .target(
      name: "MuonC",
      dependencies: ["CLibstdcxx", "CMuon", "CMuonShims", "MuonOptimizers"],
      exclude: ["exports.map"],
      swiftSettings: strict,
      linkerSettings: [
        // Only in release, so that debug tests of other packages link without a version script.
        .unsafeFlags(
          [
            "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/MuonC/exports.map",
            "-Xlinker", "-soname=libmuon.so.0",
            // dlclose leaves it where it is: its threads are parked in it.
            "-Xlinker", "-z", "-Xlinker", "nodelete",
            // gold, the default, leaves local symbols in the dynamic table.
            "-use-ld=lld", "-Xlinker", "--strip-all",
          ] + hardenedLink + reserve,
          .when(platforms: [.linux], configuration: .release))
      ]),
    .executableTarget(
      name: "digits-swift", dependencies: ["MuonOptimizers"], path: "bindings/swift",
      exclude: ["README.md"], swiftSettings: strict),
    .testTarget(
      name: "MuonOptimizersTests", dependencies: ["CMuonKernels", "COpenBLAS", "MuonOptimizers"],
      swiftSettings: strict),
    .testTarget(
      name: "MuonCTests", dependencies: ["CMuon", "MuonC"], swiftSettings: strict),
  ]
)
