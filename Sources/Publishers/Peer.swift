import CLinux
import Glibc
import NIOCore

/// Who is at the other end of a connection, as the kernel noted it when the connection was made.
struct Peer: Equatable, Sendable {
  var user: UInt32
  /// Of the process.
  var group: UInt32

  init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// `nil`: the connection has ended, or is none that has one.
  init?(of channel: any Channel) async {
    guard let options = channel as? any SocketOptionProvider else { return nil }
    let asked: EventLoopFuture<blupow_peer> = options.unsafeGetSocketOption(
      level: .socket, name: .init(rawValue: SO_PEERCRED))
    guard let peer = try? await asked.get() else { return nil }
    self.init(user: peer.uid, group: peer.gid)
  }

  /// The same user, root, and members of the group that this process runs as.
  func mayAsk(user own: UInt32 = geteuid(), group ownGroup: UInt32 = getegid()) -> Bool {
    user == own || user == 0 || group == ownGroup || blupow_is_member(user, ownGroup) == 1
  }
}
