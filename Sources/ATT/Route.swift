internal import CLinux
internal import Glibc
package import Readings

/// What carries attribute packets to a module.
package enum Route: Equatable, Sendable {
  /// The kernel's own channel, by that adapter (its address, most significant byte first), or by any.
  case radio(adapter: [UInt8]?)
  /// A stand-in for tests: a unix socket for each module in that directory, named by its address without colons. Its first packet
  /// is one byte: 0 once the link is up, or the errno that the kernel would have given.
  case sockets(directory: String)

  /// By the radio. Throws where the adapter that was named is not there.
  ///
  /// The kernel is asked for its address, not bluetoothd: it needs no bus and no privilege.
  package static func radio(named adapter: String?) throws(FailureReport) -> Route {
    guard let adapter else { return .radio(adapter: nil) }
    var address = [UInt8](repeating: 0, count: 6)
    guard adapter.hasPrefix("hci"), let number = Int32(adapter.dropFirst(3)), (0..<0xffff).contains(number) else {
      throw FailureReport(.adapterMissing, at: .connect, "'\(adapter)' is no adapter of the kernel's: they are hci0, hci1, ...")
    }
    var isUp: Int32 = 0
    let error = blupow_adapter_address(number, &address, &isUp)
    guard error == 0 else {
      throw FailureReport(
        KernelError.failure(error, .asking), at: .connect,
        "Adapter \(adapter) cannot be used: \(String(cString: strerror(error))).")
    }
    return .radio(adapter: address)
  }

  /// By that adapter, where any would do. `nil`: it is not there or is off, or another was chosen already.
  package func bound(to adapter: String) -> Route? {
    switch self {
    case .radio(adapter: nil):
      var address = [UInt8](repeating: 0, count: 6)
      var isUp: Int32 = 0
      guard adapter.hasPrefix("hci"), let number = Int32(adapter.dropFirst(3)),
        blupow_adapter_address(number, &address, &isUp) == 0, isUp != 0
      else { return nil }
      return .radio(adapter: address)
    case .radio: return nil
    case .sockets: return self
    }
  }

  /// Whether the kernel has any adapter, powered or not: it answers a connection alike where there is none and where it is off.
  static var hasAdapter: Bool {
    var address = [UInt8](repeating: 0, count: 6)
    var isUp: Int32 = 0
    return (0..<16).contains { blupow_adapter_address($0, &address, &isUp) == 0 }
  }

  /// Whether the kernel gives this process Bluetooth sockets at all. Another trouble than their absence is for the connect to name.
  package static var hasRadio: Bool { ![EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT].contains(blupow_att_family()) }

  /// A descriptor whose connection is under way, or an errno.
  func open(to address: Address, as type: AddressType) -> Result<Int32, Errno> {
    let made: Int32
    switch self {
    case .radio(let adapter):
      let wireType: UInt8 = type == .public ? 1 : 2
      made =
        adapter.map { blupow_att_connect($0, address.bytes, wireType) } ?? blupow_att_connect(nil, address.bytes, wireType)
    case .sockets(let directory): made = blupow_att_connect_unix("\(directory)/\(address.bytes.map(Self.hex).joined())")
    }
    return made >= 0 ? .success(made) : .failure(Errno(-made))
  }

  struct Errno: Error {
    var code: Int32

    init(_ code: Int32) { self.code = code }
  }

  private static func hex(_ byte: UInt8) -> String {
    (String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)).uppercased()
  }
}

extension Address {
  /// Six bytes as they are written.
  var bytes: [UInt8] { text.split(separator: ":").compactMap { UInt8($0, radix: 16) } }

  /// The kinds that it may be, the likelier first. A random address that lasts has its two highest bits set, and no other random
  /// address can be configured: the rest change every few minutes.
  var likelyTypes: [AddressType] { (bytes.first ?? 0) >> 6 == 0b11 ? [.random, .public] : [.public, .random] }
}
