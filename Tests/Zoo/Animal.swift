import Glibc
import Readings

/// One way for a worker to behave.
enum Animal: String, CaseIterable {
  case hangs, ignores_sigterm, drips, floods, floods_lines, floods_stderr, long_line, garbage, half_line, two_results
  case late_result, wrong_poll, newer_version, nothing, crashes, exits_70, double_fork, stops_itself, closes_stdout
  case never_reads_stdin, fine, fine_then_hangs, unknown_event, sleeps_20s_then_fine, sleeps_a_second_then_fine, fails, stopped,
    leaves_its_link
  case last_words, says_its_environment, says_its_descriptors, says_its_signals, says_its_family
  case dies_of, floods_regardless, double_fork_setsid, dynasty, bomb, daemonizes, leaves_a_daemon, fine_with_a_stray
  case deluge
  case finds_a_hub, finds_one_and_leaves_its_link, finds_nobody

  func perform(_ request: Request?) -> Never {
    let poll = request?.poll ?? "unknown"
    switch self {
    case .hangs:
      Animal.say(poll, .stage(.bus, attempt: 1), .stage(.connect, attempt: 1))
      Animal.sleepForEver()
    case .ignores_sigterm:
      signal(SIGTERM, SIG_IGN)
      Animal.sleepForEver()
    case .drips:
      while true {
        Animal.write("x")
        usleep(100_000)
      }
    case .floods: while true { Animal.write(String(repeating: "x", count: 4096)) }
    case .floods_regardless:
      for deaf in [SIGPIPE, SIGTERM] { signal(deaf, SIG_IGN) }
      while true {
        Animal.write(String(repeating: "x", count: 4096))
        usleep(100)
      }
    case .floods_lines:
      let line = Animal.line(poll, .stage(.read, attempt: 1))
      while true { Animal.write(line) }
    case .floods_stderr:
      for _ in 0..<2000 { Animal.write(String(repeating: "e", count: 5000) + "\n", to: 2) }
      Animal.answer(request)
    case .deluge:
      // F_SETPIPE_SZ: a pipe so long that it is never read empty.
      _ = fcntl(2, 1031, 1_048_576)
      let zeros = [UInt8](repeating: 0, count: 1_048_576)
      while true { Animal.write(zeros, to: 2) }
    case .long_line: Animal.write(String(repeating: "x", count: Wire.maxLineBytes + 1) + "\n")
    case .garbage: Animal.write("Traceback (most recent call last):\n")
    case .half_line:
      Animal.write(#"{"event":"readings","poll":"\#(poll)","t_ms":1,"v":1,"dev"#)
    case .two_results:
      Animal.say(poll, .readings(Animal.readings(of: request)), .readings(Animal.readings(of: request)))
    case .late_result: Animal.say(poll, .done(Done(link: .closed)), .readings(Animal.readings(of: request)))
    case .wrong_poll: Animal.say("somebody-else", .readings(Animal.readings(of: request)), .done(Done(link: .closed)))
    case .newer_version: Animal.write(#"{"event":"stage","poll":"\#(poll)","t_ms":1,"v":2,"stage":"bus","attempt":1}"# + "\n")
    case .nothing: break
    case .crashes: abort()
    case .exits_70: exit(70)
    case .double_fork: Animal.forkAndLeave(runsAway: false)
    case .double_fork_setsid: Animal.forkAndLeave(runsAway: true)
    case .dynasty: Animal.foundDynasty()
    case .bomb:
      for number in 0..<50 { Animal.bear(["ignores_sigterm"], runsAway: number % 2 == 0) }
      signal(SIGTERM, SIG_IGN)
      Animal.sleepForEver()
    case .leaves_a_daemon: Animal.bear(["ignores_sigterm"], runsAway: true)
    case .daemonizes:
      waitpid(Animal.bear(["leaves_a_daemon"]), nil, 0)
      Animal.sleepForEver()
    case .fine_with_a_stray:
      Animal.bear(["ignores_sigterm"], runsAway: true)
      Animal.answer(request)
    case .dies_of:
      // The signal is the next argument. Its core would be somebody's disk.
      var none = rlimit(rlim_cur: 0, rlim_max: 0)
      setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
      let deadly = CommandLine.arguments.dropFirst(2).first.flatMap { Int32($0) } ?? SIGKILL
      // Swift's own handlers survive a crash that was only sent, once.
      signal(deadly, SIG_DFL)
      kill(getpid(), deadly)
    // It is delivered before kill returns; what is not deadly ends here.
    case .stops_itself: raise(SIGSTOP)
    case .closes_stdout:
      close(1)
      Animal.sleepForEver()
    case .never_reads_stdin: Animal.sleepForEver()
    case .fine: Animal.answer(request)
    case .fine_then_hangs:
      Animal.say(poll, .stage(.read, attempt: 1), .readings(Animal.readings(of: request)), .stage(.disconnect, attempt: 1))
      Animal.sleepForEver()
    case .unknown_event:
      Animal.write(#"{"event":"weather","poll":"\#(poll)","t_ms":1,"v":1,"sky":"blue"}"# + "\n")
      Animal.write(#"{"event":"stage","poll":"\#(poll)","t_ms":1,"v":1,"stage":"bus","attempt":1,"mood":"good"}"# + "\n")
      Animal.answer(request)
    case .sleeps_20s_then_fine:
      sleep(20)
      Animal.answer(request)
    case .sleeps_a_second_then_fine:
      sleep(1)
      Animal.answer(request)
    case .fails:
      let report = FailureReport(.notSeen, at: .scan, "D8:B6:73:BF:4F:75 was not seen for 8.0 s.")
      Animal.say(
        poll, .stage(.scan, attempt: 1), .failed(device: Animal.device(of: request)?.name, report), .done(Done(link: .none)))
      exit(75)
    case .stopped:
      Animal.say(poll, .stage(.connect, attempt: 1), .stopped(.connect))
      exit(75)
    case .leaves_its_link:
      Animal.say(poll, .readings(Animal.readings(of: request)), .done(Done(link: .left)))
    case .last_words:
      // More than one read of the spawner takes, and an end right behind it.
      for number in 1...2000 { Animal.write("\(number) \(String(repeating: ".", count: 20))\n") }
    case .says_its_environment:
      for entry in sequence(first: environ, next: { $0 + 1 }) {
        guard let text = entry.pointee else { break }
        Animal.write(String(cString: text) + "\n")
      }
    case .says_its_descriptors:
      for number: Int32 in 0..<65_536 where fcntl(number, F_GETFD) >= 0 { Animal.write("\(number)\n") }
    case .finds_a_hub:
      for found in [Animal.found(97), Animal.found(33, model: "RIV1230RCH-SPS")] { Animal.say(poll, .found(found)) }
      Animal.say(poll, .done(Done(link: .closed)))
    case .finds_one_and_leaves_its_link: Animal.say(poll, .found(Animal.found(255)), .done(Done(link: .left)))
    case .finds_nobody:
      Animal.say(
        poll, .failed(device: nil, FailureReport(.silent, at: .read, "Nobody answers behind it.")), .done(Done(link: .closed)))
      exit(75)
    case .says_its_signals: Animal.copy("/proc/self/status") { $0.hasPrefix("SigBlk") || $0.hasPrefix("SigIgn") }
    case .says_its_family: Animal.write("\(getpid()) \(getpgrp()) \(getsid(0)) \(getppid())\n")
    }
    exit(0)
  }
}
