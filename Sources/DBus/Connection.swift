internal import CDBus
internal import Glibc

/// A private connection to a bus whose every wait has an end.
///
/// libdbus's own waits cannot be interrupted (`read_write`, `send_with_reply_and_block` and `dbus_bus_get*` restart on EINTR, or
/// block for minutes on a stopped bus, and `dbus_bus_get*` ends the process when the bus goes). So libdbus here only reads and
/// writes when its descriptor is ready; waiting is one poll(2) over its watches, the caller's descriptors and a deadline, and
/// replies are matched by serial here instead of by its pending calls.
package final class Connection {
  package enum Trouble: Error, Equatable, Sendable {
    /// The address could not be connected to: a D-Bus error name and text.
    case unreachable(name: String, text: String)
    /// The bus closed the connection.
    case disconnected
    /// A message with an illegal name, path or text.
    case illegal(String)
  }

  /// What ended a wait.
  package enum Arrival: Equatable, Sendable {
    case message(Message)
    /// One of the caller's descriptors has something to read, or hung up.
    case readable(Int32)
    case deadline
  }

  private let raw: OpaquePointer
  private let watches = Watches()

  /// Connects to the first address of `address` that answers; the greeting is the caller's (`hello`).
  ///
  /// connect(2) on a unix socket returns at once even where the bus is stopped, until its backlog is full.
  package init(address: String) throws(Trouble) {
    var error = DBusError()
    dbus_error_init(&error)
    defer { dbus_error_free(&error) }
    guard let raw = dbus_connection_open_private(address, &error) else {
      throw .unreachable(name: String(cString: error.name), text: String(cString: error.message))
    }
    self.raw = raw
    dbus_connection_set_exit_on_disconnect(raw, 0)
    // libdbus stops reading from the bus beyond that much that nobody has taken yet: a flood waits there, not in our memory.
    dbus_connection_set_max_received_size(raw, 4 << 20)
    let box = Unmanaged.passUnretained(watches).toOpaque()
    _ = dbus_connection_set_watch_functions(
      raw,
      { watch, box in
        guard let watch, let box else { return 0 }
        Unmanaged<Watches>.fromOpaque(box).takeUnretainedValue().list.append(watch)
        return 1
      },
      { watch, box in
        guard let watch, let box else { return }
        Unmanaged<Watches>.fromOpaque(box).takeUnretainedValue().list.removeAll { $0 == watch }
      },
      { _, _ in },  // the events are asked of each watch before every poll
      box, nil)
  }

  deinit {
    dbus_connection_close(raw)
    dbus_connection_unref(raw)
  }

  /// libdbus's watches; it adds and removes them from within its own calls, on the one thread that uses the connection.
  private final class Watches {
    var list: [OpaquePointer] = []
  }

  /// Queues a message and returns its serial; the next wait sends it.
  @discardableResult
  package func send(_ message: Message) throws(Trouble) -> UInt32 {
    guard let copy = message.makeRaw() else {
      throw .illegal("\(message.interface ?? message.errorName ?? "reply") \(message.member ?? "") \(message.path ?? "")")
    }
    defer { dbus_message_unref(copy) }
    var serial: dbus_uint32_t = 0
    guard dbus_connection_send(raw, copy, &serial) != 0 else { throw .disconnected }
    return serial
  }

  /// The greeting that every connection starts with. Its reply carries our unique name; nothing needs it.
  package static let hello = Message.call(
    to: "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")

  /// Waits for a message, one of `descriptors`, or the deadline, whichever is first. A descriptor wins over messages, so that a
  /// stop is never behind a flood.
  package func next(until deadline: ContinuousClock.Instant, watching descriptors: [Int32] = []) throws(Trouble) -> Arrival {
    while true {
      if let ready = try wait(until: .now, watching: descriptors) { return .readable(ready) }
      if let message = try pop() { return .message(message) }
      // "Disconnected" comes once; after it nothing ever comes.
      guard dbus_connection_get_is_connected(raw) != 0 else { throw .disconnected }
      guard ContinuousClock.now < deadline else { return .deadline }
      if let ready = try wait(until: deadline, watching: descriptors) { return .readable(ready) }
    }
  }

  /// Sends what is queued, for at most until the deadline. Whether all of it went out.
  package func flush(until deadline: ContinuousClock.Instant) throws(Trouble) -> Bool {
    while dbus_connection_has_messages_to_send(raw) != 0 {
      guard dbus_connection_get_is_connected(raw) != 0 else { throw .disconnected }
      guard ContinuousClock.now < deadline else { return false }
      _ = try wait(until: deadline, watching: [])
    }
    return true
  }

  private func pop() throws(Trouble) -> Message? {
    while let message = dbus_connection_pop_message(raw) {
      defer { dbus_message_unref(message) }
      if dbus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") != 0 { throw .disconnected }
      if let parsed = Message(message) { return parsed }
    }
    return nil
  }

  /// One poll(2). Lets libdbus read and write; returns a ready descriptor of the caller's.
  private func wait(until deadline: ContinuousClock.Instant, watching descriptors: [Int32]) throws(Trouble) -> Int32? {
    var polled: [pollfd] = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var asked: [(watch: OpaquePointer, index: Int)] = []
    for watch in watches.list where dbus_watch_get_enabled(watch) != 0 {
      let flags = dbus_watch_get_flags(watch)
      var events: Int32 = 0
      if flags & blupow_dbus_watch_readable != 0 { events |= POLLIN }
      if flags & blupow_dbus_watch_writable != 0 { events |= POLLOUT }
      asked.append((watch, polled.count))
      polled.append(pollfd(fd: dbus_watch_get_unix_fd(watch), events: Int16(events), revents: 0))
    }
    let left = deadline - .now
    // Rounded up, so that a wait is never a spin of zero-length polls before its deadline.
    let wholeMilliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
    let timeout = left <= .zero ? 0 : Int32(min(wholeMilliseconds, 3_600_000) + 1)
    let ready = poll(&polled, nfds_t(polled.count), timeout)
    guard ready > 0 else { return nil }  // the time is up, or a signal came: its descriptor tells at the next call
    for (watch, index) in asked where polled[index].revents != 0 && watches.list.contains(watch) {
      let events = Int32(polled[index].revents)
      var flags: UInt32 = 0
      if events & POLLIN != 0 { flags |= blupow_dbus_watch_readable }
      if events & POLLOUT != 0 { flags |= blupow_dbus_watch_writable }
      if events & POLLERR != 0 { flags |= blupow_dbus_watch_error }
      if events & POLLHUP != 0 { flags |= blupow_dbus_watch_hangup }
      dbus_watch_handle(watch, flags)
    }
    return polled.prefix(descriptors.count).first { $0.revents != 0 }?.fd
  }
}
