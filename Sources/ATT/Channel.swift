internal import CLinux
internal import Glibc
import Readings

/// A socket of packets. Every wait is one poll(2) over it, the stop descriptor and a deadline; the descriptor goes with the value,
/// and with the process at the latest.
final class Channel {
  enum Arrival {
    case packet([UInt8])
    case nothing
    /// The other end is gone: an errno, 0 where it just ended.
    case ended(Int32)
  }

  private let descriptor: Int32
  private let stop: Int32
  /// Longer than any packet that may come, so that a longer one is seen to be longer.
  private var buffer = [UInt8](repeating: 0, count: 1024)

  init(_ descriptor: Int32, stop: Int32) {
    self.descriptor = descriptor
    self.stop = stop
  }

  deinit { close(descriptor) }

  /// Waits until it can be read from (or written to); `false` at the deadline, which may have passed before. A stop wins over all.
  func wait(toWrite: Bool = false, until deadline: ContinuousClock.Instant) throws(Stopped) -> Bool {
    while true {
      var polled = [
        pollfd(fd: descriptor, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0),
        pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      ]
      let left = deadline - .now
      // Rounded up, so that a wait is never a spin of zero-length polls before its deadline.
      let timeout = left <= .zero ? 0 : Int32(min(left.milliseconds, 3_600_000)) + 1
      let count = Glibc.poll(&polled, nfds_t(polled.count), timeout)
      if count > 0, polled[1].revents != 0 { throw Stopped() }
      if count > 0 { return true }
      if count == 0 || errno != EINTR { return false }
    }
  }

  /// How a connection under way ended: 0, or an errno.
  func connectionError() -> Int32 { blupow_socket_error(descriptor) }

  func read() -> Arrival {
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count > 0 { return .packet(Array(buffer[..<count])) }
    if count == 0 { return .ended(0) }
    return errno == EAGAIN || errno == EINTR ? .nothing : .ended(errno)
  }

  /// 0, or an errno: EAGAIN where there is no room now.
  func write(_ packet: [UInt8]) -> Int32 {
    while true {
      if Glibc.send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL)) >= 0 { return 0 }
      if errno != EINTR { return errno }
    }
  }
}
