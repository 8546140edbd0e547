import Glibc

/// Whence somebody asks, for limits by place: a host; of IPv6 its network of 64 bits, for who has one address there has all of them.
package struct ClientPlace: Hashable, Sendable {
  private let name: String
  /// In a sentence: "host", and of IPv6 "IPv6 network (/64)".
  let kind: String

  /// - Parameter address: as text, as a socket gives it; another text is a place of its own.
  package init(address: String) {
    var bytes = [UInt8](repeating: 0, count: 16)
    let text = address.prefix { $0 != "%" }
    guard !address.hasPrefix("::ffff:"), inet_pton(AF_INET6, String(text), &bytes) == 1 else {
      name = address
      kind = "host"
      return
    }
    name = bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
    kind = "IPv6 network (/64)"
  }
}
