package import DBus
package import Readings

/// One conversation with bluetoothd. Every wait ends at its deadline, at a stop, or when the bus or bluetoothd goes.
package final class BlueZBus {
  package private(set) var tree = ObjectTree()
  /// Values of the characteristic that is being listened to, oldest first.
  private var chunks: [[UInt8]] = []
  private var listening: String?
  private var replies: [UInt32: Message] = [:]
  private var awaited: Set<UInt32> = []
  /// bluetoothd's unique name: a match rule filters what is broadcast, but anybody on the bus may send us a signal directly.
  private(set) var daemon: String?
  /// Ours on the bus.
  private(set) var ownName: String?
  private let connection: Connection
  private let stop: Int32
  /// When the process must be on its way out: no question is asked after it.
  private let limit: Instant

  package typealias Instant = ContinuousClock.Instant

  static let name = "org.bluez"

  /// - Parameters:
  ///   - stop: a descriptor that becomes readable when the process shall stop.
  ///   - limit: after it, silence is not looked into any more.
  package init(address: String, stop: Int32, limit: Instant) throws {
    self.stop = stop
    self.limit = limit
    do {
      connection = try Connection(address: address)
    } catch .unreachable(let name, let text) {
      let failure = ErrorName.failure(name, text)
      throw FailureReport(
        failure == .accessDenied ? .accessDenied : .busMissing, at: .bus, "No D-Bus at \(address): \(text).")
    }
  }

  /// Greets the bus, subscribes to bluetoothd's signals and asks for its objects, all in one go.
  ///
  /// - Parameter startsDaemon: whether the bus may start a bluetoothd that does not run.
  package func open(until deadline: Instant, startsDaemon: Bool = true) throws {
    let bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
    let hello = try expect(Connection.hello)
    for rule in [
      "type='signal',sender='\(Self.name)'",
      "type='signal',sender='\(bus.0)',member='NameOwnerChanged',arg0='\(Self.name)'",
    ] {
      try post(.call(to: bus.0, bus.1, bus.2, "AddMatch", [.string(rule)]))
    }
    var question = Message.call(to: Self.name, "/", ObjectTree.manager, "GetManagedObjects")
    question.noAutoStart = !startsDaemon
    let objects = try expect(question)
    guard let greeting = try reply(to: hello, at: .bus, until: deadline) else {
      throw FailureReport(.busSilent, at: .bus, "The D-Bus daemon took the connection but does not answer its greeting.")
    }
    ownName = greeting.body.first?.asString
    guard let answer = try reply(to: objects, at: .bus, until: deadline) else { throw silence(at: .bus) ?? slow(at: .bus) }
    if answer.kind == .error { throw report(answer, at: .bus, "bluetoothd's objects cannot be listed") }
    daemon = answer.sender
    if let managed = answer.body.first { tree.load(managed) }
  }

  /// A method call of bluetoothd's. Throws what its error means; at the deadline says whether bus or bluetoothd are silent, and
  /// `late` if both answer.
  @discardableResult
  package func call(
    _ path: String, _ interface: String, _ member: String, _ body: [Value] = [], at stage: Stage, until deadline: Instant,
    late: @autoclosure () -> FailureReport
  ) throws -> [Value] {
    let serial = try expect(.call(to: Self.name, path, interface, member, body))
    guard let answer = try reply(to: serial, at: stage, until: deadline) else { throw silence(at: stage) ?? late() }
    if answer.kind == .error {
      let report = report(answer, at: stage, "\(member) on \(path)")
      throw refined(report, interface)
    }
    return answer.body
  }

  /// Asks for an object's properties, instead of trusting that each change was told.
  package func refresh(_ path: String, _ interface: String, at stage: Stage, until deadline: Instant) throws {
    let answer = try call(
      path, ObjectTree.properties, "GetAll", [.string(interface)], at: stage, until: deadline,
      late: FailureReport(.daemonSilent, at: stage, "bluetoothd did not say what it knows of \(path)."))
    tree.update(path, interface, answer.first?.asDictionary ?? [:])
  }

  /// Sends a call whose answer nobody waits for.
  package func post(_ message: Message) throws {
    var message = message
    message.noReply = true
    do { try connection.send(message) } catch { throw lost(error, at: .bus) }
  }

  /// Writes out what was posted, within the time. Whether all went out.
  package func flush(until deadline: Instant) -> Bool {
    (try? connection.flush(until: deadline)) ?? false
  }

  /// Waits until `condition` gives a value; `nil` at the deadline.
  package func wait<T>(at stage: Stage, until deadline: Instant, for condition: (ObjectTree) -> T?) throws -> T? {
    // Bounded by the clock too: a flood of signals would never let the deadline come.
    repeat {
      if let value = condition(tree) { return value }
      guard try hear(at: stage, until: deadline) else { break }
    } while ContinuousClock.now < deadline
    return condition(tree)
  }

  // MARK: - Notifications

  func listen(to characteristic: String?) {
    listening = characteristic
    chunks = []
  }

  func nextChunk(until deadline: Instant, isLinked: (ObjectTree) -> Bool) throws -> [UInt8]? {
    while chunks.isEmpty {
      guard isLinked(tree) else { throw FailureReport(.linkLost, at: .read, "The link broke while its registers were read.") }
      guard try hear(at: .read, until: deadline), ContinuousClock.now < deadline else { break }
    }
    return chunks.isEmpty ? nil : chunks.removeFirst()
  }

  // MARK: - Silence

  /// After a wait that ended with nothing: whether the D-Bus daemon or bluetoothd itself does not answer (at most 0.5 s).
  package func silence(at stage: Stage) -> FailureReport? {
    let end = min(limit, .now + .milliseconds(500))
    guard end > .now else { return nil }
    do {
      let peer = "org.freedesktop.DBus.Peer"
      let bus = try expect(.call(to: "org.freedesktop.DBus", "/org/freedesktop/DBus", peer, "Ping"))
      let bluez = try expect(.call(to: Self.name, "/org/bluez", peer, "Ping"))
      guard try reply(to: bus, at: stage, until: end) != nil else {
        return FailureReport(.busSilent, at: stage, "The D-Bus daemon stopped answering.")
      }
      guard let answer = try reply(to: bluez, at: stage, until: end) else {
        return FailureReport(.daemonSilent, at: stage, "bluetoothd stopped answering.")
      }
      guard let name = answer.errorName else { return nil }
      return ErrorName.failure(name, answer.errorText) == .daemonMissing ? gone(at: stage) : nil
    } catch {
      return error as? FailureReport
    }
  }

  /// The same error means another thing of another object: a device that nobody hears, an adapter that was pulled, a service
  /// that went; a module in use, or a discovery.
  private func refined(_ report: FailureReport, _ interface: String) -> FailureReport {
    switch (report.failure, interface) {
    case (.notSeen, ObjectTree.adapter): FailureReport(.adapterMissing, at: report.stage, report.message)
    case (.notSeen, ObjectTree.characteristic): FailureReport(.linkLost, at: report.stage, report.message)
    case (.busy, ObjectTree.adapter): FailureReport(.daemonError, at: report.stage, report.message)
    default: report
    }
  }

  private func slow(at stage: Stage) -> FailureReport {
    FailureReport(.daemonSilent, at: stage, "bluetoothd did not answer in time.")
  }

  private func gone(at stage: Stage) -> FailureReport {
    FailureReport(.daemonMissing, at: stage, "bluetoothd is not on the bus.")
  }

  // MARK: - Messages

  func expect(_ message: Message) throws -> UInt32 {
    do {
      let serial = try connection.send(message)
      awaited.insert(serial)
      return serial
    } catch { throw lost(error, at: .bus) }
  }

  func reply(to serial: UInt32, at stage: Stage, until deadline: Instant) throws -> Message? {
    defer { awaited.remove(serial) }
    repeat {
      if let reply = replies.removeValue(forKey: serial) { return reply }
      guard try hear(at: stage, until: deadline) else { break }
    } while ContinuousClock.now < deadline
    return replies.removeValue(forKey: serial)
  }

  /// Takes one message; `false` at the deadline.
  func hear(at stage: Stage, until deadline: Instant, heedingStop: Bool = true) throws -> Bool {
    let arrival: Connection.Arrival
    let watched = heedingStop ? [stop] : []
    do { arrival = try connection.next(until: deadline, watching: watched) } catch { throw lost(error, at: stage) }
    switch arrival {
    case .deadline: return false
    case .readable: throw Stopped()
    case .message(let message):
      try take(message, at: stage)
      return true
    }
  }

  private func take(_ message: Message, at stage: Stage) throws {
    switch message.kind {
    case .methodReturn, .error:
      if awaited.contains(message.replySerial) { replies[message.replySerial] = message }
    case .signal:
      if message.sender == "org.freedesktop.DBus", message.isSignal("org.freedesktop.DBus", "NameOwnerChanged"),
        message.body.count == 3,
        message.body[0].asString == Self.name
      {
        // Also when a new one takes its place: nothing that we hold is true of it.
        if message.body[1].asString != "" { throw gone(at: stage) }
        return
      }
      guard daemon == nil || message.sender == daemon else { return }
      tree.apply(message)
      if let listening, message.path == listening, message.isSignal(ObjectTree.properties, "PropertiesChanged"),
        message.body.count == 3, message.body[0].asString == ObjectTree.characteristic,
        let value = message.body[1].asDictionary?["Value"]?.asBytes
      {
        chunks.append(value)
        // A module that floods: the newest are kept, and the reply's own checks judge them.
        if chunks.count > 1024 { chunks.removeFirst() }
      }
    case .methodCall: break
    }
  }

  private func report(_ answer: Message, at stage: Stage, _ what: String) -> FailureReport {
    let name = answer.errorName ?? ""
    return FailureReport(ErrorName.failure(name, answer.errorText), at: stage, "\(what): \(answer.errorText) (\(name)).")
  }

  private func lost(_ trouble: Connection.Trouble, at stage: Stage) -> FailureReport {
    switch trouble {
    case .disconnected: FailureReport(.busLost, at: stage, "The D-Bus daemon closed the connection.")
    case .illegal(let what): FailureReport(.daemonError, at: stage, "A message that D-Bus does not allow: \(what).")
    case .unreachable(_, let text): FailureReport(.busMissing, at: stage, text)
    }
  }
}
