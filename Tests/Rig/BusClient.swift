package import BlueZ
package import DBus

/// A client of bluetoothd besides the worker, with an object tree of its own. None of its waits is without end, and none blocks a
/// thread.
package actor BusClient {
  private let bus: Connection
  private var heard: [Message] = []

  package static let adapter = "/org/bluez/hci0"

  package static func devicePath(_ address: String) -> String {
    "\(adapter)/dev_\(address.split(separator: ":").joined(separator: "_"))"
  }

  package struct Silence: Error, CustomStringConvertible {
    package let description: String
  }

  package init(_ address: String) async throws {
    bus = try Connection(address: address)
    _ = try await answer(to: bus.send(Connection.hello), within: .seconds(20))
    let rule = "type='signal',sender='org.bluez'"
    let match = Message.call(
      to: "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", [.string(rule)])
    _ = try await answer(to: bus.send(match), within: .seconds(20))
  }

  /// bluetoothd's answer, which may be an error.
  package func ask(
    _ member: String, _ interface: String, on path: String, _ body: [Value] = [], within limit: Duration = .seconds(20)
  ) async throws -> Message {
    try await answer(to: send(member, interface, on: path, body), within: limit)
  }

  /// Sends a call; its serial.
  package func send(_ member: String, _ interface: String, on path: String, _ body: [Value] = []) throws -> UInt32 {
    let serial = try bus.send(.call(to: "org.bluez", path, interface, member, body))
    _ = try bus.flush(until: .now + .seconds(1))
    return serial
  }

  package func answer(to serial: UInt32, within limit: Duration) async throws -> Message {
    try await wait(within: limit) { $0.replySerial == serial }
  }

  /// The next message that matches, of those already heard too; it is taken out.
  @discardableResult
  package func wait(within limit: Duration = .seconds(20), for matches: (Message) -> Bool) async throws -> Message {
    let deadline = ContinuousClock.now + limit
    while true {
      while case .message(let message) = try bus.next(until: .now) { heard.append(message) }
      if let index = heard.firstIndex(where: matches) { return heard.remove(at: index) }
      guard ContinuousClock.now < deadline else { throw Silence(description: "nothing within \(limit)") }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// What bluetoothd lists now.
  package func tree() async throws -> ObjectTree {
    var tree = ObjectTree()
    if let objects = try await ask("GetManagedObjects", ObjectTree.manager, on: "/").body.first { tree.load(objects) }
    return tree
  }

  package func property(_ name: String, of path: String, _ interface: String = ObjectTree.device) async throws -> Value? {
    try await tree().property(path, interface, name)
  }

  /// Waits until what bluetoothd lists fulfils the condition; how long it took, or nil.
  package func until(within limit: Duration = .seconds(20), _ condition: (ObjectTree) -> Bool) async throws -> Duration? {
    let start = ContinuousClock.now
    repeat {
      if try await condition(tree()) { return start.duration(to: .now) }
      try await Task.sleep(for: .milliseconds(50))
    } while start.duration(to: .now) < limit
    return nil
  }

  /// Discovers until the module is listed, then ends the discovery.
  package func scan(for address: String) async throws {
    let path = Self.devicePath(address)
    _ = try await ask("StartDiscovery", ObjectTree.adapter, on: Self.adapter)
    let found = try await until(within: .seconds(15)) { $0.objects[path] != nil }
    _ = try await ask("StopDiscovery", ObjectTree.adapter, on: Self.adapter)
    guard found != nil else { throw Silence(description: "\(address) was not heard within 15 s") }
  }

  /// Connect, and the services known. The two characteristics' paths.
  package func connect(_ address: String) async throws -> (write: String, notify: String) {
    let path = Self.devicePath(address)
    let answer = try await ask("Connect", ObjectTree.device, on: path)
    guard answer.kind == .methodReturn else { throw Silence(description: answer.errorText) }
    _ = try await until { $0.property(path, ObjectTree.device, "ServicesResolved")?.asBool == true }
    return try await serialLine(of: address)
  }

  package func serialLine(of address: String) async throws -> (write: String, notify: String) {
    let tree = try await tree()
    let path = Self.devicePath(address)
    guard let write = tree.characteristic(Self.full("ffd1"), in: Self.full("ffd0"), of: path),
      let notify = tree.characteristic(Self.full("fff1"), in: Self.full("fff0"), of: path)
    else { throw Silence(description: "no serial line") }
    return (write, notify)
  }

  package static func full(_ short: String) -> String { "0000\(short)-0000-1000-8000-00805f9b34fb" }
}
