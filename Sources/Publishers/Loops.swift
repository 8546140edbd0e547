import NIOPosix

/// The thread on which this process speaks HTTP: one is plenty for a host's own questions. It lives as long as the process, because
/// who has ended may still have a word to say on it.
enum Loops {
  static let one = MultiThreadedEventLoopGroup(numberOfThreads: 1)
}
