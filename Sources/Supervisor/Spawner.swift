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
    case adoptOrphans
  }

  struct Launch: Sendable {
    var command: Command
    var limits: OutputLimits
    var deadline: Duration?
    var grace: Duration
    var answer: CheckedContinuation<Result<Child, SpawnFailure>, Never>
  }

  private let mail = Mutex(Mail())
  private let abandoned = Atomic<Int>(0)
  private let running = Atomic<Int>(0)
  private let held = Atomic<Int>(0)
  /// An eventfd that wakes the thread, or -errno.
  private let wake: Int32

  private init() {
    // Before any other descriptor is opened. A pipe must never get the number 0, 1 or 2: the child's dup2 calls would overwrite
    // each other; and nothing of ours shall be where somebody writes his log to.
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
    wake = blupow_eventfd()
    // A child that closed its input must be an EPIPE, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    // Inherited as ignored, children would be reaped by themselves, and their numbers free for others at once.
    signal(SIGCHLD, SIG_DFL)
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

  /// From now on what runs away from a child (a grandchild in a session of its own) comes to this process when its parent ends, and is
  /// killed and reaped at the end of any child; `Ending.strays` counts it.
  ///
  /// Only for a process that starts others by this spawner alone, or in its own session: a child in another session that the
  /// spawner does not know is taken for a stray.
  package func adoptOrphans() {
    // A kernel that refused would leave strays to PID 1, as without this call.
    if blupow_adopt_orphans() == 0 { send(.adoptOrphans) }
  }

  /// Children, or the rest of their groups, that have not ended though SIGKILL was sent at least five seconds ago. What is in them is
  /// reaped when it ends after all.
  package var abandonedCount: Int { abandoned.load(ordering: .relaxed) }

  func note(abandoned count: Int) { abandoned.store(count, ordering: .relaxed) }

  /// Children of this process that are none of the spawner's that run: by the kernel's count, zombies too. Where that is not to be had, or
  /// everybody's orphans come here (PID 1), those that were abandoned.
  package var leftCount: Int {
    guard getpid() != 1, let all = Kin.listed()?.count else { return abandonedCount }
    return max(0, all - running.load(ordering: .relaxed))
  }

  /// Descriptors that this process has open, but for those to children that run and those that the runtime waits by (epoll, eventfd,
  /// timerfd). `nil`: /proc does not tell.
  package var ownDescriptors: Int? { Proc.openDescriptors.map { $0 - held.load(ordering: .relaxed) } }

  func note(running count: Int, descriptors: Int) {
    running.store(count, ordering: .relaxed)
    held.store(descriptors, ordering: .relaxed)
  }

  func send(_ message: Message) {
    mail.withLock { $0.add(message) }
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
      defer { mail = Mail() }
      return mail.messages
    }
  }

  /// What the thread has yet to take. It takes all of it many times a second. A start has a task that waits for it, and an order that
  /// carries nothing weighs nothing; what is to be written is bounded, child by child.
  struct Mail {
    private(set) var messages: [Message] = []
    private var input: [UInt64: Int] = [:]

    mutating func add(_ message: Message) {
      guard case .order(.write(let bytes), let child) = message else { return messages.append(message) }
      let before = input[child] ?? 0
      guard before <= ChildRun.maxPending else { return }  // it is being stopped already
      input[child] = before + bytes.count
      messages.append(before + bytes.count <= ChildRun.maxPending ? message : .order(.refuseInput, child: child))
    }
  }
}
