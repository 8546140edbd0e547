package import Readings

/// What the standard input may ask of the world.
package enum Command: Equatable, Sendable {
  case faults(Address, [Fault])
  case advertise(Address, on: Bool)
  case power(adapter: String, on: Bool)
  /// The link falls by itself.
  case drop(Address)
  /// Another program on this host has the link.
  case link(Address, owner: String)
  case removeAdapter(String)
  case addAdapter(Setup.Adapter)
  case state

  package init(_ json: JSON) throws(Mistake) {
    var fields = try Fields(json, at: "command")
    switch try fields.needText("do") {
    case "faults":
      let address = try fields.address("address")
      var faults: [Fault] = []
      for (index, element) in (try fields.list("faults") ?? []).enumerated() {
        faults.append(try Fault(element, at: "faults[\(index)]"))
      }
      self = .faults(address, faults)
    case "advertise": self = .advertise(try fields.address("address"), on: try fields.flag("on") ?? true)
    case "power": self = .power(adapter: try fields.needText("adapter"), on: try fields.flag("on") ?? true)
    case "drop": self = .drop(try fields.address("address"))
    case "link": self = .link(try fields.address("address"), owner: try fields.text("owner") ?? "other")
    case "remove_adapter": self = .removeAdapter(try fields.needText("adapter"))
    case "add_adapter":
      let name = JSON.string(try fields.needText("adapter"))
      let powered = JSON.bool(try fields.flag("powered") ?? true)
      self = .addAdapter(try Setup.Adapter(.object(["name": name, "powered": powered]), at: "adapter"))
    case "state": self = .state
    case let word: throw Mistake("'\(word.prefix(40))' is not a known command")
    }
    try fields.finish()
  }

  var word: String {
    switch self {
    case .faults: "faults"
    case .advertise: "advertise"
    case .power: "power"
    case .drop: "drop"
    case .link: "link"
    case .removeAdapter: "remove_adapter"
    case .addAdapter: "add_adapter"
    case .state: "state"
    }
  }
}
