/// The command line.
package struct Invocation: Equatable, Sendable {
  package var config: String?
  package var control = false
  package var diesWithParent = false
  /// A directory for the modules' sockets.
  package var attSockets: String?

  package enum Wish: Equatable, Sendable {
    case run(Invocation)
    case help
    case version
  }

  package static func parse(_ arguments: [String]) throws(Mistake) -> Wish {
    var invocation = Invocation()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": return .help
      case "--version": return .version
      case "--control": invocation.control = true
      case "--die-with-parent": invocation.diesWithParent = true
      case "--config":
        guard let file = rest.popFirst() else { throw Mistake("--config needs a file.") }
        invocation.config = file
      case "--att-sockets":
        guard let directory = rest.popFirst() else { throw Mistake("--att-sockets needs a directory.") }
        invocation.attSockets = directory
      default: throw Mistake("'\(argument)' is not a known option; --help lists them.")
      }
    }
    return .run(invocation)
  }

  package static let usage = """
    usage: blupow-simulator [--config FILE] [--control] [--die-with-parent] [--att-sockets DIRECTORY]
                            [--version] [--help]

    Stands in for bluetoothd on the bus that DBUS_SYSTEM_BUS_ADDRESS names, which must be a private one, with simulated Renogy
    modules within its reach. Without a set-up there is one inverter. The journal is JSON lines on standard output.

      --config FILE      the modules, their delays and their faults, as JSON
      --control          take commands, one JSON line each, from standard input, and end with it
      --att-sockets DIR  serve each module's attributes on a socket there, too, as the kernel's own link would reach them
      --die-with-parent  be killed when the process that started this one dies

    """
}
