/// Where a Renogy module gives its bytes out, by full UUIDs: its firmware-update service repeats the short ones.
package struct ModuleGATT: Equatable, Sendable {
  /// Frames are written here, without response: what the vendor's app does, and what some batteries insist on. `nil`: nothing is.
  package var writeService: String?
  package var write: String?
  package var notifyService: String
  /// What the module says comes here.
  package var notify: String

  /// The serial line of every module that speaks Modbus.
  package static let serialLine = ModuleGATT(
    writeService: full("ffd0"), write: full("ffd1"), notifyService: full("fff0"), notify: full("fff1"))

  /// The Smart Shunt 300 is listened to only.
  package static let shunt = ModuleGATT(
    writeService: nil, write: nil, notifyService: full("c011"), notify: full("c411"))

  private static func full(_ short: String) -> String { "0000\(short)-0000-1000-8000-00805f9b34fb" }
}
