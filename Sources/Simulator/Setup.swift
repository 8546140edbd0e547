package import Readings

/// What is simulated: bluetoothd's habits, its adapters, and the modules within their reach.
package struct Setup: Equatable, Sendable {
  package struct Adapter: Equatable, Sendable {
    package var name: String
    package var powered = true
    /// How long the controller takes to be switched on or off.
    package var power: Duration = .zero
    /// By rfkill: it cannot be switched on.
    package var blocked = false

    package init(name: String, powered: Bool = true, power: Duration = .zero, blocked: Bool = false) {
      self.name = name
      self.powered = powered
      self.power = power
      self.blocked = blocked
    }
  }

  package var adapters = [Adapter(name: "hci0")]
  package var modules: [Module] = []
  /// bluetoothd drops a device that it has not heard for this long (its TemporaryTimeout).
  package var forget: Duration = .seconds(30)
  /// 5.82 and later name the second Connect's error InProgress instead of Failed.
  package var namesInProgress = false

  package init() {}

  /// One healthy inverter.
  package static let standard: Setup = {
    var setup = Setup()
    if let address = Address("D8:B6:73:BF:4F:75") {
      setup.modules = [
        Module(
          address: address, name: "BTRIC134000035   ", adapters: ["hci0"],
          devices: [Device(unit: 32, registers: .riv4835csh1s)])
      ]
    }
    return setup
  }()
}

extension Setup {
  package struct Module: Equatable, Sendable {
    package var address: Address
    package var name = ""
    package var addressType = "public"
    /// The adapters that can hear it.
    package var adapters: [String]
    package var rssi: Int16 = -58
    /// bluetoothd lists it from the start.
    package var known = false
    package var paired = false
    package var advertising = true
    package var mtu = 23
    /// The id in replies to unit 255: the device's own, or this one.
    package var answers255As: UInt8?
    /// Table registers move a little with time.
    package var vary = false
    package var delays = Delays()
    package var devices: [Device] = []
    /// In the place of devices.
    package var shunt: Shunt?
    /// In the place of either: what a transcript holds.
    package var replay: Replay?
    package var faults: [Fault] = []
  }

  package struct Delays: Equatable, Sendable {
    package var advertise: Duration = .milliseconds(100)
    package var connect: Duration = .milliseconds(300)
    package var services: Duration = .milliseconds(200)
    package var reply: Duration = .milliseconds(60)
    package var fragment: Duration = .zero
    package var disconnect: Duration = .milliseconds(2100)
    /// Between the frames of a shunt.
    package var push: Duration = .milliseconds(1000)
    /// How long another client's discovery takes to hear the module for a socket that connects.
    package var discovery: Duration = .zero

    package init() {}
  }

  package struct Device: Equatable, Sendable {
    package var unit: UInt8
    package var registers: Registers

    package init(unit: UInt8, registers: Registers) {
      self.unit = unit
      self.registers = registers
    }
  }
}
