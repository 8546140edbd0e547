/// What a module offers once its services are known, by BlueZ's object names.
struct GattTable: Equatable, Sendable {
  struct Characteristic: Equatable, Sendable {
    let service: UInt16
    let handle: UInt16
    let uuid: String
    let flags: [String]
    /// The handle of the client configuration descriptor.
    var configuration: UInt16?

    var servicePath: String { "service\(Hex.four(service))" }
    var path: String { "\(servicePath)/char\(Hex.four(handle))" }
    var descriptorPath: String? { configuration.map { "\(path)/desc\(Hex.four($0))" } }
    var canNotify: Bool { flags.contains("notify") || flags.contains("indicate") }
    var canWrite: Bool { flags.contains("write") || flags.contains("write-without-response") }
    var canRead: Bool { flags.contains("read") }
  }

  struct Service: Equatable, Sendable {
    let handle: UInt16
    let uuid: String

    var path: String { "service\(Hex.four(handle))" }
  }

  let services: [Service]
  let characteristics: [Characteristic]

  static let write = full("ffd1")
  static let notify = full("fff1")
  static let shuntNotify = full("c411")

  /// Where the module says what it has to say.
  var talking: Characteristic? { characteristics.first { $0.uuid == Self.notify || $0.uuid == Self.shuntNotify } }

  static func full(_ short: String) -> String { "0000\(short)-0000-1000-8000-00805f9b34fb" }

  private static let genericAttribute: [Characteristic] = [
    Characteristic(service: 1, handle: 2, uuid: full("2a05"), flags: ["indicate"], configuration: 4),
    Characteristic(service: 1, handle: 5, uuid: full("2b29"), flags: ["read", "write"]),
    Characteristic(service: 1, handle: 7, uuid: full("2b2a"), flags: ["read"]),
  ]

  /// A BT-2. The last service is the trap: its `f000ffd1` is the start of a firmware update.
  static let renogy = GattTable(
    services: [
      Service(handle: 1, uuid: full("1801")), Service(handle: 0x10, uuid: full("ffd0")),
      Service(handle: 0x20, uuid: full("fff0")), Service(handle: 0x30, uuid: "f000ffd0-0451-4000-b000-000000000000"),
    ],
    characteristics: genericAttribute + [
      Characteristic(service: 0x10, handle: 0x11, uuid: write, flags: ["read", "write-without-response", "write"]),
      Characteristic(service: 0x10, handle: 0x13, uuid: full("ffd2"), flags: ["read", "notify"], configuration: 0x15),
      Characteristic(service: 0x10, handle: 0x16, uuid: full("ffd3"), flags: ["write"]),
      Characteristic(service: 0x10, handle: 0x18, uuid: full("ffd4"), flags: ["read"]),
      Characteristic(service: 0x10, handle: 0x1a, uuid: full("ffd5"), flags: ["read", "write"]),
      Characteristic(service: 0x20, handle: 0x21, uuid: notify, flags: ["read", "notify"], configuration: 0x23),
      Characteristic(
        service: 0x30, handle: 0x31, uuid: "f000ffd1-0451-4000-b000-000000000000",
        flags: ["write-without-response", "write", "notify"], configuration: 0x33),
    ])

  /// A Smart Shunt 300: there is nothing to write to.
  static let shunt = GattTable(
    services: [Service(handle: 1, uuid: full("1801")), Service(handle: 0x10, uuid: full("c011"))],
    characteristics: genericAttribute + [
      Characteristic(service: 0x10, handle: 0x11, uuid: shuntNotify, flags: ["notify"], configuration: 0x13)
    ])

  /// What bluetoothd has when a module answered nothing.
  static let none = GattTable(services: [], characteristics: [])

  /// With Generic Access behind all else: bluetoothd keeps that service to itself, a client of the socket sees it.
  var withGenericAccess: GattTable {
    guard let last = services.map(\.handle).max() else { return self }
    let handle = last + 0x10
    return GattTable(
      services: services + [Service(handle: handle, uuid: Self.full("1800"))],
      characteristics: characteristics + [
        Characteristic(service: handle, handle: handle + 1, uuid: Self.deviceName, flags: ["read"])
      ])
  }

  static let deviceName = full("2a00")

  /// Something that is not a Renogy module: the generic services and device information.
  static let stranger = GattTable(
    services: [Service(handle: 1, uuid: full("1801")), Service(handle: 0x10, uuid: full("180a"))],
    characteristics: genericAttribute + [
      Characteristic(service: 0x10, handle: 0x11, uuid: full("2a29"), flags: ["read"])
    ])
}
