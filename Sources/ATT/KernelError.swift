internal import Glibc
package import Readings

/// What the kernel says of a link: each errno, translated once.
///
/// Those of a connection that was under way are the controller's own words (the kernel's `bt_to_errno`): a page timeout or an
/// advertiser that is gone is EHOSTDOWN, a link whose other end fell silent ETIMEDOUT, a refused authentication EACCES or EBADE, no
/// free connection EMLINK or ENOMEM; ENOSYS is every word without a row there, and most often a link that was never established.
package enum KernelError {
  package enum Moment: Sendable, CaseIterable {
    /// Making, binding and connecting the socket, answered at once.
    case asking
    /// The connection under way came to this end.
    case connecting
    /// The link stood.
    case open
  }

  package static func failure(_ error: Int32, _ moment: Moment) -> Failure {
    switch error {
    // No such family in this network namespace, or the service's sandbox keeps it away; no such adapter.
    case EAFNOSUPPORT, ESOCKTNOSUPPORT, ENODEV: .adapterMissing
    // Of a link it is a controller's word about its peer.
    case EPROTONOSUPPORT where moment == .asking: .adapterMissing
    // No adapter does LE: none can, or it was switched off (`ControllerMode=bredr`).
    case EOPNOTSUPP where moment == .asking, ECONNREFUSED where moment == .asking: .adapterMissing
    case EHOSTUNREACH, ENETDOWN, ENETUNREACH: .adapterOff
    case EPERM, EACCES: moment == .asking ? .accessDenied : .pairingRequired
    case EBADE: .pairingRequired
    // Another socket or bluetoothd has the link; EADDRINUSE: has this end of it.
    case EBUSY, EALREADY, EISCONN, EADDRINUSE: moment == .open ? .linkLost : .busy
    case ENOMEM, ENOBUFS, EMFILE, ENFILE, EMLINK, EUSERS: moment == .open ? .linkLost : .slots
    case ETIMEDOUT, EHOSTDOWN: moment == .open ? .linkLost : .connectTimeout
    // The kernel took its own request back, because nobody answered it.
    case ENOTCONN where moment == .connecting: .connectTimeout
    default: moment == .open ? .linkLost : .connectFailed
    }
  }

  /// The sentence about it; what is to be done is in the failure's advice, but for the family's, which has its own reasons.
  package static func report(_ error: Int32, _ moment: Moment, at stage: Stage, about address: Address) -> FailureReport {
    let text =
      error == ENOSYS && moment != .asking
      ? "the controller gives a reason that the kernel has no word for" : String(cString: strerror(error))
    let message =
      switch (error, moment) {
      case (EAFNOSUPPORT, _), (EPROTONOSUPPORT, .asking), (ESOCKTNOSUPPORT, _):
        """
        The kernel gives this process no Bluetooth sockets (\(text)): a container needs the host's network, a systemd unit \
        AF_BLUETOOTH in RestrictAddressFamilies=. `link: bluez` does without.
        """
      case (_, .asking): "The kernel does not connect to \(address): \(text)."
      case (_, .connecting): "The connection to \(address) failed: \(text)."
      case (_, .open): "The link to \(address) broke: \(text)."
      }
    return FailureReport(failure(error, moment), at: stage, message)
  }
}
