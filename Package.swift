// swift-tools-version: 6.2
import PackageDescription

// Arrows go down only (Tests/HouseTests guards them):
//
//             blupow                               blupow-worker              blupow-simulator
//        /    /    |    \                          /      |    \                    |
//   Store  Supervisor  Publishers                BlueZ   Devices  ATT             Simulator
//      |       \   |    /     |                     |       |      |             /        \
//      |        Policy      Devices                DBus     |    CLinux      Devices      DBus
//       \____________________________  Readings  ______________/
//
// DBus stands over CDBus (libdbus-1); CLinux is the handful of Linux calls that Swift cannot import. Store alone knows GRDB (SQLite);
// Publishers has HTTP from hummingbird, and NIO below it, and MQTT, which stands over CMosquitto (libmosquitto).

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")

let package = Package(
  name: "BluPow",
  products: [
    .executable(name: "blupow", targets: ["blupow"]),
    .executable(name: "blupow-worker", targets: ["blupow-worker"]),
    .executable(name: "blupow-simulator", targets: ["blupow-simulator"]),
    .library(name: "StandInClock", type: .dynamic, targets: ["StandInClock"]),
    .library(name: "StandInStall", type: .dynamic, targets: ["StandInStall"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // Without traits, and of its products only the core: no ICU, no readers of configuration, nothing but HTTP.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
  ],
  targets: [
    .systemLibrary(name: "CDBus", pkgConfig: "dbus-1", providers: [.apt(["libdbus-1-dev"])]),
    .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
    .target(name: "CLinux"),
    .target(name: "DBus", dependencies: ["CDBus"], swiftSettings: strict),
    .target(name: "Readings", swiftSettings: strict),
    .target(name: "Devices", dependencies: ["Readings"], swiftSettings: strict),
    .target(name: "BlueZ", dependencies: ["DBus", "Readings"], swiftSettings: strict),
    .target(name: "ATT", dependencies: ["Readings", "CLinux"], swiftSettings: strict),
    .target(name: "Policy", dependencies: ["Readings"], swiftSettings: strict),
    .target(name: "Supervisor", dependencies: ["Policy", "Readings", "CLinux", logging], swiftSettings: strict),
    .target(name: "MQTT", dependencies: ["CMosquitto", "CLinux"], swiftSettings: strict),
    .target(name: "Store", dependencies: ["Readings", grdb, logging], swiftSettings: strict),
    .target(
      name: "Publishers",
      dependencies: [
        "Policy", "Devices", "Readings", "MQTT", "CLinux", logging, lifecycle, hummingbirdCore, httpTypes, nioHTTPTypes, nioCore,
        nioPosix,
        nioHTTP1,
      ],
      // The page's files are in the program: it is one file, and no path leads from a request to a file of the host's.
      resources: [.embedInCode("Page")],
      swiftSettings: strict),
    .target(name: "Simulator", dependencies: ["DBus", "Devices", "Readings", "CLinux"], swiftSettings: strict),
    .executableTarget(
      name: "blupow",
      dependencies: [
        "Supervisor", "Store", "Publishers", "Policy", "Devices", "MQTT", "Readings", argumentParser, logging, lifecycle,
        unixSignals,
        yams,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "blupow-worker", dependencies: ["ATT", "BlueZ", "DBus", "Devices", "Readings", "CLinux"], swiftSettings: strict),
    .executableTarget(
      name: "blupow-simulator", dependencies: ["Simulator", "Readings", "CLinux"], swiftSettings: strict),

    // Tests/Chance: dice with a seed. Tests/Fuzzing: frames, fragments and words by them, and what must be true of each; Tests/Fuzz
    // is its program.
    .target(name: "Chance", path: "Tests/Chance", swiftSettings: strict),
    .target(name: "Fuzzing", dependencies: ["Chance", "Devices", "Readings"], path: "Tests/Fuzzing", swiftSettings: strict),
    .executableTarget(name: "fuzz", dependencies: ["Fuzzing"], path: "Tests/Fuzz", swiftSettings: strict),
    // Tests/Rig: a private bus, the simulator and the worker as real processes. Tests/Zoo: workers that misbehave.
    .target(
      name: "Rig", dependencies: ["Supervisor", "Readings", "BlueZ", "DBus", "CLinux", logging], path: "Tests/Rig",
      swiftSettings: strict),
    .executableTarget(name: "zoo", dependencies: ["Readings", "CLinux"], path: "Tests/Zoo", swiftSettings: strict),
    // A supervisor in a process of its own, for what only a whole process can be asked: whom it adopts, and what is left of it.
    .executableTarget(
      name: "nursery", dependencies: ["Rig", "Supervisor", "Policy", "Readings", logging], path: "Tests/Nursery",
      swiftSettings: strict),
    // Tests/StandInClock: a clock that a test sets, in the place of the host's. It is loaded before a program, and linked by none; before a
    // shell, too, which has no sanitizer. Tests/StandInStall: calls that stand still when a test wants, likewise.
    .target(name: "StandInClock", path: "Tests/StandInClock", cSettings: [.unsafeFlags(["-fno-sanitize=all"])]),
    .target(name: "StandInStall", path: "Tests/StandInStall", cSettings: [.unsafeFlags(["-fno-sanitize=all"])]),
    // Tests/StoreWriter: what is killed while it saves.
    .executableTarget(name: "store-writer", dependencies: ["Store"], path: "Tests/StoreWriter", swiftSettings: strict),
    // Tests/HistoryWriter: the same of the history, and days of it from captured registers.
    .executableTarget(
      name: "history-writer", dependencies: ["Store", "Devices", "Readings", "Chance"], path: "Tests/HistoryWriter",
      swiftSettings: strict),
    .executableTarget(
      name: "bench", dependencies: ["Rig", "Supervisor", "Policy", "Readings", logging], path: "Tests/Bench",
      swiftSettings: strict),
    .testTarget(
      name: "HouseTests", dependencies: ["Rig", "blupow", "blupow-worker", "blupow-simulator"], swiftSettings: strict),
    .testTarget(name: "ReadingsTests", dependencies: ["Readings"], swiftSettings: strict),
    .testTarget(name: "DevicesTests", dependencies: ["Devices", "Readings", "Chance", "Fuzzing"], swiftSettings: strict),
    .testTarget(name: "ATTTests", dependencies: ["ATT", "Readings", "CLinux", "Chance"], swiftSettings: strict),
    .testTarget(name: "PolicyTests", dependencies: ["Policy", "Readings", "Chance"], swiftSettings: strict),
    .testTarget(name: "MQTTTests", dependencies: ["MQTT", "Rig", "Chance"], swiftSettings: strict),
    .testTarget(
      name: "PublishersTests",
      dependencies: ["Publishers", "MQTT", "Policy", "Devices", "Readings", "Rig", logging, lifecycle, nioCore],
      swiftSettings: strict),
    .testTarget(
      name: "SupervisorTests",
      dependencies: [
        "Supervisor", "Policy", "Readings", "CLinux", "Rig", "zoo", "nursery", "blupow-worker", "blupow-simulator", logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Store", "CLinux", "Rig", "store-writer", "history-writer", "Chance", "Readings", grdb, logging],
      swiftSettings: strict),
    .testTarget(
      name: "SimulatorTests",
      dependencies: ["Simulator", "DBus", "Devices", "Readings", "Rig", "Supervisor", "Chance", "blupow-simulator"],
      swiftSettings: strict),
    .testTarget(
      name: "WorkerTests", dependencies: ["Rig", "Supervisor", "Readings", "BlueZ", "DBus", "blupow-worker", "blupow-simulator"],
      swiftSettings: strict),
    // The same expectations of the simulator and, in a virtual machine, of a real bluetoothd (Tests/RealBlueZ).
    .testTarget(
      name: "ContractTests",
      dependencies: [
        "Rig", "Supervisor", "Policy", "Readings", "BlueZ", "DBus", "blupow", "blupow-worker", "blupow-simulator",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "blupow", "Store", "Publishers", "Policy", "Devices", "MQTT", "Readings", "Rig", "Supervisor", "blupow-worker",
        "blupow-simulator", "zoo", "Chance", logging, yams, httpTypes, nioCore,
      ],
      swiftSettings: strict),
  ]
)
