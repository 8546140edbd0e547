import BlueZ
import DBus
import Glibc
import Supervisor

/// The system's bluetoothd, and a module on another controller (Tests/RealBlueZ/peripheral.py) that is spoken to by its socket.
package final class RealWorld: World {
  package static let bus = "unix:path=/run/dbus/system_bus_socket"

  package let busAddress = RealWorld.bus
  package let directory = "/run/blupow-contract"
  private let socket: Int32
  private let address: String
  private let journal: Journal

  package struct Trouble: Error, CustomStringConvertible {
    package let description: String
  }

  /// Connects to the peripheral; its lines go to `journal`.
  init(peripheral path: String, address: String, journal: Journal) throws {
    mkdir(directory, 0o700)
    self.address = address
    self.journal = journal
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let connected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
    }
    guard connected == 0 else { throw Trouble(description: "The peripheral does not answer at \(path).") }
    let reader = Reader(socket: socket, journal: journal)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Reader>.fromOpaque(context).takeRetainedValue().read() }
        return nil
      }, Unmanaged.passRetained(reader).toOpaque())
    pthread_detach(thread)
  }

  /// A thread of its own, because it blocks.
  private final class Reader: Sendable {
    let socket: Int32
    let journal: Journal

    init(socket: Int32, journal: Journal) {
      self.socket = socket
      self.journal = journal
    }

    func read() {
      var line: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      while case let count = Glibc.read(socket, &chunk, chunk.count), count > 0 {
        for byte in chunk[..<count] {
          if byte == UInt8(ascii: "\n") {
            journal.append(String(decoding: line, as: UTF8.self))
            line = []
          } else {
            line.append(byte)
          }
        }
      }
    }
  }

  deinit { close(socket) }

  package func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  package func isQuiet() async throws -> Bool {
    let tree = try await BusClient(busAddress).tree()
    let discovers = tree.paths(with: ObjectTree.adapter).contains {
      tree.property($0, ObjectTree.adapter, "Discovering")?.asBool == true
    }
    let path = BusClient.devicePath(address)
    return !discovers && tree.property(path, ObjectTree.device, "Connected")?.asBool != true
  }

  /// The module leaves the air, and bluetoothd forgets it.
  package func end() async {
    let mark = journal.count
    tell(#"{"do":"module","address":"\#(address)","advertising":false}"#)
    // One that is gone cannot answer.
    let answered = Task { [journal] in try await journal.wait(from: mark) { $0.contains(#""saw":"did""#) } }
    let hurry = Task {
      try await Task.sleep(for: .seconds(10))
      answered.cancel()
    }
    _ = try? await answered.value
    hurry.cancel()
    if let client = try? await BusClient(busAddress) {
      _ = try? await client.ask(
        "RemoveDevice", ObjectTree.adapter, on: BusClient.adapter, [.objectPath(BusClient.devicePath(address))])
    }
    shutdown(socket, Int32(SHUT_RDWR))
  }
}

extension Scene {
  /// A scene of the contract, in the world that this process tests: a new inverter, with these members of the simulator's set-up
  /// (`protocol/simulator.md`) that both sides know: `name`, `devices`, `faults`, `mtu`, `known`. In the real world there are three modules to be had.
  package static func contract(_ module: String = "", delays: String = Scene.fast, number: Int = 1) async throws -> Scene {
    guard let peripheral = Worlds.peripheral else { return try await one(module, delays: delays) }
    // A new address each time, so that bluetoothd remembers nothing of the last case.
    let bytes = (0..<3).map { _ in UInt8.random(in: 0...255) }
    let address = "D8:B6:73:" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16).uppercased() }.joined(separator: ":")
    let journal = Journal()
    let socket = number == 1 ? peripheral : peripheral.replacing(".sock", with: "-\(number).sock")
    let world = try RealWorld(peripheral: socket, address: address, journal: journal)
    let scene = Scene(world: world, journal: journal, address: address)
    // A case that failed may have left the adapter off.
    let on: [Value] = [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(true))]
    _ = try await BusClient(world.busAddress).ask("Set", ObjectTree.properties, on: BusClient.adapter, on)
    let members = module.isEmpty ? "" : module + ","
    let name = module.contains(#""name":"#) ? "" : #","name":"BTRIC134000035   ""#
    let answer = try await scene.tell(#"{"do":"module",\#(members)"address":"\#(address)"\#(name)}"#)
    guard answer.contains(#""saw":"did""#) else { throw RealWorld.Trouble(description: answer) }
    if module.contains(#""known":true"#) { try await BusClient(world.busAddress).scan(for: address) }
    return scene
  }

  /// Another client of this scene's bus.
  package func client() async throws -> BusClient { try await BusClient(world.busAddress) }
}
