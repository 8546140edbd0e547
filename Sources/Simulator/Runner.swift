import DBus
import FoundationEssentials
internal import Glibc
import Readings

/// Carries the world: one thread, one wait, over the bus, the standard input, the stop descriptor and the next alarm.
package struct Runner {
  package enum End: Error, Equatable {
    /// Asked to, or the standard input ended.
    case stopped
    /// The bus, or the name on it, is not to be had.
    case unavailable(String)
  }

  private let bus: Connection
  private var world: World
  private let start = ContinuousClock.now
  private let stop: Int32
  /// The standard input, where commands are taken from it.
  private let input: Int32?
  /// The modules' sockets, where they are asked for.
  private var sockets: AttributeSockets?
  private var lines = LineSplitter(maxLine: 1_048_576, maxTotal: .max)

  /// Connects, and takes the name; what is in the way is a sentence.
  package init(_ setup: Setup, address: String, stop: Int32, input: Int32?, attSockets: String? = nil) throws(End) {
    do {
      bus = try Connection(address: address)
    } catch {
      throw .unavailable("The bus at \(address) cannot be reached: \(Self.sentence(error))")
    }
    world = World(setup)
    do throws(Mistake) {
      sockets = try attSockets.map { directory throws(Mistake) in
        try AttributeSockets(in: directory, for: setup.modules.map(\.address))
      }
    } catch { throw .unavailable(error.description) }
    self.stop = stop
    self.input = input
    let daemon = "org.freedesktop.DBus"
    let rule = "type='signal',sender='\(daemon)',interface='\(daemon)',member='NameOwnerChanged',path='/org/freedesktop/DBus'"
    let path = "/org/freedesktop/DBus"
    _ = try ask(Connection.hello)
    _ = try ask(.call(to: daemon, path, daemon, "AddMatch", [.string(rule)]))
    let doNotQueue: UInt32 = 4
    let got = try ask(.call(to: daemon, path, daemon, "RequestName", [.string("org.bluez"), .uint32(doNotQueue)]))
    guard got.body.first?.asInt == 1 else {
      throw .unavailable("The name org.bluez on \(address) is taken: another bluetoothd or simulator runs there.")
    }
  }

  /// Until it is stopped.
  package mutating func run() -> End {
    defer { sockets?.remove() }
    do {
      try perform(.start)
      while true {
        let due = world.nextDue.map { start + $0 } ?? .now + .seconds(3600)
        let watched = [stop] + (input.map { [$0] } ?? []) + (sockets?.descriptors ?? [])
        switch try bus.next(until: due, watching: watched) {
        case .message(let message): if let event = Self.event(message) { try perform(event) }
        case .readable(stop): return .stopped
        case .readable(let descriptor) where descriptor == input: if try !readInput() { return .stopped }
        case .readable(let descriptor): if let event = sockets?.event(of: descriptor) { try perform(event) }
        case .deadline: try perform(.woke)
        }
      }
    } catch let end as End {
      return end
    } catch {
      return .unavailable("The bus is gone: \(error)")
    }
  }

  private mutating func perform(_ event: World.Event) throws {
    for effect in world.handle(event, at: .now - start) {
      switch effect {
      case .send(let message): try bus.send(message)
      case .note(let note): try write(note)
      case .packet(let session, let packet): sockets?.send(packet, to: session)
      case .hangUp(let session): sockets?.close(session)
      }
    }
  }

  private static func event(_ message: Message) -> World.Event? {
    if message.kind == .methodCall { return .call(message) }
    guard message.isSignal("org.freedesktop.DBus", "NameOwnerChanged"), message.body.count == 3,
      let name = message.body[0].asString, name.hasPrefix(":"), message.body[2].asString == ""
    else { return nil }
    return .clientGone(name)
  }

  private func ask(_ call: Message) throws(End) -> Message {
    do {
      let serial = try bus.send(call)
      while true {
        switch try bus.next(until: .now + .seconds(5), watching: [stop]) {
        case .message(let message) where message.replySerial == serial:
          if message.kind == .methodReturn { return message }
          throw End.unavailable("The bus refused \(call.member ?? ""): \(message.errorText)")
        case .message: continue
        case .readable: throw End.stopped
        case .deadline: throw End.unavailable("The bus did not answer \(call.member ?? "") within 5 s.")
        }
      }
    } catch let end as End {
      throw end
    } catch {
      throw .unavailable("The bus is gone: \(error)")
    }
  }

  private static func sentence(_ trouble: Connection.Trouble) -> String {
    if case .unreachable(_, let text) = trouble { text } else { "\(trouble)" }
  }
}

// MARK: - The journal and the commands

extension Runner {
  private func write(_ note: Note) throws {
    var rest = try Wire.line(note.json)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw End.stopped }  // whoever read the journal is gone
      rest = rest.dropFirst(written)
    }
  }

  /// Whether there may be more.
  private mutating func readInput() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(input ?? 0, &buffer, buffer.count)
    if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
    guard count > 0 else { return false }
    var whole: [[UInt8]] = []
    do {
      try lines.feed(buffer.prefix(count)) { whole.append($0) }
    } catch {
      try write(Note(at: .now - start, "error", ["text": .string("a command line is longer than a mebibyte")]))
      return false
    }
    for line in whole where !line.isEmpty {
      do {
        try perform(.command(Command(JSON(parsing: line))))
      } catch let mistake as Mistake {
        try write(Note(at: .now - start, "error", ["text": .string(mistake.description)]))
      } catch let error as DecodingError {
        try write(Note(at: .now - start, "error", ["text": .string("not a JSON line: \(Wire.explain(error))")]))
      }
    }
    return true
  }
}
