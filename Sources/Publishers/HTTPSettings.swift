import Glibc
package import MQTT

/// Where the page, the API and the metrics are served, and who may read them.
package struct HTTPSettings: Equatable, Sendable {
  /// As it is typed: in brackets where it is one of IPv6's; never a name, which would have to be looked up by somebody who may be away.
  package var address: String
  /// 0: one that is free.
  package var port: Int
  /// `nil`: whoever reaches it may read. Only on the loopback.
  package var token: Secret?

  package init(address: String, port: Int, token: Secret? = nil) {
    self.address = address
    self.port = port
    self.token = token
  }

  /// `nil`: it is not an address with a port, like `127.0.0.1:8420`, `[::1]:8420` or `localhost:8420`.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else { return nil }
    let address = text[..<colon].lowercased()
    guard address == Self.local || Self.bytes(of: address) != nil else { return nil }
    self.init(address: address, port: Int(port))
  }

  static let local = "localhost"

  package var place: String { "\(address):\(port)" }
  package var url: String { "http://\(place)/" }
  /// For who binds it.
  var host: String { address == Self.local ? "127.0.0.1" : String(address.filter { !"[]".contains($0) }) }
  /// Nobody but this host reaches it.
  package var isLoopback: Bool { Self.isLoopback(address) }

  static func isLoopback(_ address: String) -> Bool {
    if address == local { return true }
    guard let bytes = bytes(of: address) else { return false }
    return bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
  }

  /// Four, or of one in brackets sixteen; `nil`: it is none.
  private static func bytes(of address: String) -> [UInt8]? {
    let isSix = address.hasPrefix("[") && address.hasSuffix("]")
    var bytes = [UInt8](repeating: 0, count: isSix ? 16 : 4)
    let text = isSix ? String(address.dropFirst().dropLast()) : address
    return inet_pton(isSix ? AF_INET6 : AF_INET, text, &bytes) == 1 ? bytes : nil
  }
}
