/// bluetoothd's version, and what is known to be wrong with it.
struct BlueZVersion: Comparable, CustomStringConvertible, Sendable {
  var major: Int
  var minor: Int

  var description: String { "\(major).\(minor)" }

  /// Of what `bluetoothd --version` prints: `5.66`.
  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let major = parts[0], let minor = parts[1], major > 0, minor >= 0 else { return nil }
    self.init(major, minor)
  }

  private init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  static func < (one: BlueZVersion, other: BlueZVersion) -> Bool {
    (one.major, one.minor) < (other.major, other.minor)
  }

  struct KnownFault: Sendable {
    var from: BlueZVersion
    /// The first without it; `nil`: none is known.
    var before: BlueZVersion?
    /// What it does.
    var text: String
    /// BluPow has no way round it.
    var isInTheWay = false
  }

  private static let faults = [
    KnownFault(
      from: BlueZVersion(0, 0), before: BlueZVersion(5, 63), text: "drops links while their MTU is agreed on (mended in 5.63)",
      isInTheWay: true),
    KnownFault(
      from: BlueZVersion(0, 0), before: BlueZVersion(5, 84), text: "may not answer when a device is removed (mended in 5.84)"),
    KnownFault(
      from: BlueZVersion(5, 64), before: BlueZVersion(5, 86),
      text: "may crash when another program ends that had acquired notifications (mended in 5.86)"),
    KnownFault(
      from: BlueZVersion(5, 87), before: nil, text: "may crash when a link falls while its notifications are being enabled"),
  ]

  var faults: [KnownFault] { Self.faults.filter { $0.from <= self && $0.before.map { self < $0 } ?? true } }
}
