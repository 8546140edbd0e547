/// Where a Renogy module's serial line comes out. Full UUIDs: its firmware-update service repeats the short ones.
package enum ModuleGATT {
  /// Frames are written here, without response: what the vendor's app does, and what some batteries insist on.
  package static let writeService = "0000ffd0-0000-1000-8000-00805f9b34fb"
  package static let write = "0000ffd1-0000-1000-8000-00805f9b34fb"
  /// Replies come here.
  package static let notifyService = "0000fff0-0000-1000-8000-00805f9b34fb"
  package static let notify = "0000fff1-0000-1000-8000-00805f9b34fb"
}
