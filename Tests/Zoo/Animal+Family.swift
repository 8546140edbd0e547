import Glibc

/// What the animals have offspring with.
extension Animal {
  /// POSIX_SPAWN_SETSID: an extension of glibc's, which its Swift module leaves out.
  private static let ownSession: Int16 = 0x80

  /// Another animal, which outlives this one and holds the same pipes: Swift imports no fork(2), so it is this program again.
  ///
  /// - Parameters:
  ///   - runsAway: it is in a session of its own.
  ///   - forgets: it starts with an empty environment.
  @discardableResult
  static func bear(_ words: [String], runsAway: Bool = false, forgets: Bool = false) -> pid_t {
    var pid: pid_t = 0
    let arguments: [UnsafeMutablePointer<CChar>?] = (["zoo"] + words + ["outlives_its_parent"]).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let nothing: [UnsafeMutablePointer<CChar>?] = [nil]
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    if runsAway { posix_spawnattr_setflags(&attributes, ownSession) }
    let failure =
      forgets
      ? posix_spawn(&pid, "/proc/self/exe", nil, &attributes, arguments, nothing)
      : posix_spawn(&pid, "/proc/self/exe", nil, &attributes, arguments, environ)
    guard failure == 0 else { exit(71) }
    write("bore \(pid)\n", to: 2)
    return pid
  }

  /// A grandchild that ignores SIGTERM and holds every pipe, and a leader that has ended well. Its number is the only line.
  static func forkAndLeave(runsAway: Bool) -> Never {
    write("\(bear(["ignores_sigterm"], runsAway: runsAway, forgets: runsAway))\n")
    exit(0)
  }

  /// Three generations, each in a session of its own and the parent of the next. Their founder leaves when the last of them is there.
  static func foundDynasty() -> Never {
    let words = Array(CommandLine.arguments.dropFirst(2))
    var waited = sigset_t()
    sigemptyset(&waited)
    sigaddset(&waited, SIGUSR1)
    guard words.count > 2, let generation = Int(words[0]), let founder = pid_t(words[1]) else {
      pthread_sigmask(SIG_BLOCK, &waited, nil)
      bear(["dynasty", "1", "\(getpid())"], runsAway: true)
      var signal: Int32 = 0
      sigwait(&waited, &signal)
      exit(0)
    }
    if generation < 3 { bear(["dynasty", "\(generation + 1)", "\(founder)"], runsAway: true) } else { kill(founder, SIGUSR1) }
    signal(SIGTERM, SIG_IGN)
    sleepForEver()
  }
}
