internal import CLinux
internal import Glibc
import Readings

/// A unix socket of packets for each module, and the connections that came to them. Who is refused or hung up on, the world says.
struct AttributeSockets {
  private let directory: String
  private var listeners: [Int32: String] = [:]
  private var connections: [Int32: Int] = [:]
  private var lastConnection = 0

  /// More than any test has at once; a flood of connections waits in the socket's own queue.
  private static let most = 64

  init(in directory: String, for addresses: [Address]) throws(Mistake) {
    self.directory = directory
    for address in addresses {
      let path = Self.path(directory, address.text)
      unlink(path)  // of a simulator that was killed
      let listener = blupow_att_listen(path)
      guard listener >= 0 else { throw Mistake("\(path) cannot be listened at: \(String(cString: strerror(-listener))).") }
      listeners[listener] = address.text
    }
  }

  private static func path(_ directory: String, _ address: String) -> String { "\(directory)/\(address.filter { $0 != ":" })" }

  var descriptors: [Int32] { connections.keys.sorted() + (connections.count < Self.most ? listeners.keys.sorted() : []) }

  /// What a descriptor that is ready has to tell.
  mutating func event(of descriptor: Int32) -> World.Event? {
    if let address = listeners[descriptor] {
      let made = blupow_att_accept(descriptor)
      guard made >= 0 else { return nil }
      lastConnection += 1
      connections[made] = lastConnection
      return .attached(lastConnection, address: address)
    }
    guard let session = connections[descriptor] else { return nil }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count > 0 { return .packet(session, Array(buffer[..<count])) }
    if count < 0 && (errno == EAGAIN || errno == EINTR) { return nil }
    close(session)
    return .detached(session)
  }

  /// A packet that finds no room is lost, as on the air.
  func send(_ packet: [UInt8], to session: Int) {
    guard let descriptor = connections.first(where: { $0.value == session })?.key else { return }
    _ = Glibc.send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL))
  }

  mutating func close(_ session: Int) {
    for descriptor in connections.filter({ $0.value == session }).keys {
      connections[descriptor] = nil
      Glibc.close(descriptor)
    }
  }

  /// The sockets' names go.
  func remove() {
    for address in listeners.values { unlink(Self.path(directory, address)) }
  }
}
