import FoundationEssentials

/// What the radio side looks like.
package struct Probe: Equatable, Sendable, Codable {
  package struct Adapter: Equatable, Sendable, Codable {
    package var name: String
    package var address: String
    package var powered: Bool
    package var discovering: Bool
    /// Devices that bluetoothd lists under it.
    package var devices: Int
    package var connected: Int
    /// Those of them that it says are connected, whoever's links they are; `nil`: not said.
    package var links: [Address]?
    /// By rfkill, so that it cannot be switched on; `nil`: nobody says.
    package var blocked: Bool?

    package init(
      name: String, address: String, powered: Bool, discovering: Bool, devices: Int, connected: Int, links: [Address]? = nil,
      blocked: Bool? = nil
    ) {
      self.name = name
      self.address = address
      self.powered = powered
      self.discovering = discovering
      self.devices = devices
      self.connected = connected
      self.links = links
      self.blocked = blocked
    }
  }

  /// A program that listens to bluetoothd on the bus.
  package struct Follower: Equatable, Sendable, Codable {
    /// On the bus, `:1.42`.
    package var name: String
    package var process: Int?

    package init(name: String, process: Int? = nil) {
      self.name = name
      self.process = process
    }
  }

  package var adapters: [Adapter]
  /// Asked only where a device is connected, for one of them may have connected it; `nil`: not asked, or the bus does not tell.
  package var followers: [Follower]?

  package init(adapters: [Adapter], followers: [Follower]? = nil) {
    self.adapters = adapters
    self.followers = followers
  }
}
