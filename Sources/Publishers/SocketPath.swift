import Glibc

/// Where the service's socket is: `blupow.sock` in a directory of the service's own.
package struct SocketPath: Equatable, Sendable, CustomStringConvertible {
  package static let file = "blupow.sock"
  /// `sun_path` has 108 bytes, the last of them zero.
  package static let maxBytes = 107
  static let hostsPlace = "/run/blupow"
  private static let hostsBus = "/run/dbus/system_bus_socket"

  package let directory: String
  /// The directory is somebody else's to make (systemd's), with the permissions that were chosen there.
  package let isGiven: Bool

  package var description: String { "\(directory)/\(Self.file)" }

  package init(directory: String, isGiven: Bool = false) throws(SocketTrouble) {
    self.directory = directory
    self.isGiven = isGiven
    let bytes = description.utf8.count
    guard bytes <= Self.maxBytes else {
      throw SocketTrouble(
        "\(directory)/\(Self.file) is too long for a socket: \(bytes) bytes of at most \(Self.maxBytes). Name a shorter XDG_RUNTIME_DIR."
      )
    }
  }

  /// Where a service listens: what systemd made for it, else the user's runtime directory, else, for root, the host's own place.
  package static func toServe(
    environment: [String: String] = processEnvironment, isRoot: Bool = geteuid() == 0
  ) throws(SocketTrouble) -> SocketPath {
    if let given = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map(String.init), given.hasPrefix("/") {
      return try SocketPath(directory: given, isGiven: true)
    }
    if let own = try ofUser(environment) { return own }
    guard isRoot else {
      throw SocketTrouble(
        """
        there is no directory for the service's socket: neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set, and only root may make \
        \(hostsPlace). Set XDG_RUNTIME_DIR, or let systemd start the service with RuntimeDirectory=blupow.
        """)
    }
    guard isHostsBus(environment) else {
      throw SocketTrouble(
        """
        on a bus of its own a service does not take the host's place for its socket, \(hostsPlace). Set XDG_RUNTIME_DIR to have it elsewhere.
        """)
    }
    return try SocketPath(directory: hostsPlace)
  }

  /// Where a command looks for a service, in that order. On a bus of its own the host's service is not meant.
  package static func toAsk(environment: [String: String] = processEnvironment) throws(SocketTrouble) -> [SocketPath] {
    var places: [SocketPath] = []
    if let own = try ofUser(environment) { places.append(own) }
    if isHostsBus(environment) { places.append(try SocketPath(directory: hostsPlace)) }
    return places
  }

  private static func ofUser(_ environment: [String: String]) throws(SocketTrouble) -> SocketPath? {
    guard let user = environment["XDG_RUNTIME_DIR"], user.hasPrefix("/") else { return nil }
    return try SocketPath(directory: "\(user)/blupow")
  }

  /// As the worker has it: elsewhere there is another radio, and with it another service.
  package static func isHostsBus(_ environment: [String: String] = processEnvironment) -> Bool {
    guard let bus = environment["DBUS_SYSTEM_BUS_ADDRESS"], !bus.isEmpty else { return true }
    return bus.contains(hostsBus)
  }

  package static var processEnvironment: [String: String] {
    var found: [String: String] = [:]
    for name in ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "DBUS_SYSTEM_BUS_ADDRESS"] {
      if let value = getenv(name) { found[name] = String(cString: value) }
    }
    return found
  }
}
