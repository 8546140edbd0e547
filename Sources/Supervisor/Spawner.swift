import CLinux
import Glibc
import Readings
import Synchronization

/// Starts and bounds every child process. One thread, as lasting as this process, does all of it: PR_SET_PDEATHSIG of a child
/// follows the *thread* that forked it, and threads of Swift's pool come and go.
package final class Spawner: Sendable {
  package static let shared = Spawner()

  enum Message: Sendable {
    case start(Launch)
    case order(ChildOrder, child: UInt64)
  }

  struct Launch: Sendable {
    var command: Command
    var limits: OutputLimits
    var deadline: Duration?
    var grace: Duration
    var answer: CheckedContinuation<Result<Child, SpawnFailure>, Never>
  }

  private let mail = Mutex<[Message]>([])
  /// An eventfd that wakes the thread, or -errno.
  private let wake: Int32

  private init() {
    wake = blupow_eventfd()
    // A child that closed its input must be an EPIPE, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    // Inherited as ignored, children would be reaped by themselves, and their numbers free for others at once.
    signal(SIGCHLD, SIG_DFL)
    // A pipe must never get the number 0, 1 or 2: the child's dup2 calls would overwrite each other.
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
    guard wake >= 0 else { return }
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        SpawnLoop(spawner: Unmanaged<Spawner>.fromOpaque(context).takeRetainedValue()).run()
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(failure == 0, "no thread for the spawner: \(errorText(failure))")
    pthread_detach(thread)
  }

  /// Starts `command` in a session and process group of its own.
  ///
  /// - Parameters:
  ///   - deadline: from the launch; then SIGTERM to the group. `nil`: none.
  ///   - grace: from SIGTERM to SIGKILL.
  package func start(
    _ command: Command, limits: OutputLimits, deadline: Duration?, grace: Duration = .seconds(2)
  ) async throws(SpawnFailure) -> Child {
    guard wake >= 0 else { throw SpawnFailure(path: command.path, errno: -wake) }
    let result: Result<Child, SpawnFailure> = await withCheckedContinuation { answer in
      send(.start(Launch(command: command, limits: limits, deadline: deadline, grace: grace, answer: answer)))
    }
    return try result.get()
  }

  func send(_ message: Message) {
    mail.withLock { $0.append(message) }
    var one: UInt64 = 1
    // Its only error is a full counter, which is readable already.
    _ = write(wake, &one, MemoryLayout.size(ofValue: one))
  }

  /// The thread's descriptor to wait on.
  var doorbell: Int32 { wake }

  /// What has been sent since the last call.
  func takeMail() -> [Message] {
    var count: UInt64 = 0
    _ = read(wake, &count, MemoryLayout.size(ofValue: count))
    return mail.withLock { mail in
      defer { mail.removeAll() }
      return mail
    }
  }
}
