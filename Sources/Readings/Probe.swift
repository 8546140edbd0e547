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
    /// Those of them that it says are connected, whoever's links they are; `nil`: a worker of an earlier release, which does not say.
    package var links: [Address]?

    package init(
      name: String, address: String, powered: Bool, discovering: Bool, devices: Int, connected: Int, links: [Address]? = nil
    ) {
      self.name = name
      self.address = address
      self.powered = powered
      self.discovering = discovering
      self.devices = devices
      self.connected = connected
      self.links = links
    }
  }

  package var adapters: [Adapter]

  package init(adapters: [Adapter]) { self.adapters = adapters }
}
