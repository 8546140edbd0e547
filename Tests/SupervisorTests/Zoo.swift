import Glibc
import Readings
import Rig
import Testing

/// The zoo as a closed list: each animal stands in one of these tables, and a test asks the zoo itself for its animals.
enum Zoo {
  /// What is to come of an animal's poll.
  struct Case: Sendable, CustomTestStringConvertible {
    /// With its own words after commas.
    var animal: String
    var failure: Failure
    var stage = Stage.start
    var needsRelease = true
    var testDescription: String { animal }
    var words: [String] { animal.split(separator: ",").map(String.init) }
  }

  static let misbehaving =
    [
      Case(animal: "hangs", failure: .workerTimedOut, stage: .connect),
      Case(animal: "ignores_sigterm", failure: .workerTimedOut),
      Case(animal: "drips", failure: .workerTimedOut),
      Case(animal: "floods", failure: .workerBabbled),
      Case(animal: "floods_regardless", failure: .workerBabbled),
      Case(animal: "floods_lines", failure: .workerBabbled, stage: .read),
      Case(animal: "deluge", failure: .workerTimedOut),
      Case(animal: "long_line", failure: .workerBabbled),
      Case(animal: "garbage", failure: .workerBabbled),
      Case(animal: "half_line", failure: .workerBabbled),
      Case(animal: "two_results", failure: .workerBabbled),
      Case(animal: "late_result", failure: .workerBabbled, needsRelease: false),
      Case(animal: "wrong_poll", failure: .workerBabbled),
      Case(animal: "newer_version", failure: .versionUnknown),
      Case(animal: "nothing", failure: .workerCrashed),
      Case(animal: "crashes", failure: .workerCrashed),
      Case(animal: "exits_70", failure: .workerCrashed),
      Case(animal: "double_fork", failure: .workerBabbled),
      Case(animal: "stops_itself", failure: .workerTimedOut),
      Case(animal: "closes_stdout", failure: .workerTimedOut),
      Case(animal: "never_reads_stdin", failure: .workerTimedOut),
      Case(animal: "fails", failure: .notSeen, stage: .scan, needsRelease: false),
      Case(animal: "stopped", failure: .stopped, stage: .connect),
    ] + deadlySignals.map { Case(animal: "dies_of,\($0)", failure: .workerCrashed) }

  /// Every signal below the real-time ones whose default action is the end.
  static let deadlySignals = (SIGHUP...SIGSYS).filter {
    ![SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD, SIGCONT, SIGURG, SIGWINCH].contains($0)
  }

  /// What outlives its poll unless the supervisor adopts orphans, and how many there are.
  static let runaways: [(Case, strays: Int)] = [
    (Case(animal: "double_fork_setsid", failure: .workerBabbled), 1),
    (Case(animal: "dynasty", failure: .workerCrashed), 3),
    (Case(animal: "bomb", failure: .workerTimedOut), 25),
    (Case(animal: "daemonizes", failure: .workerTimedOut), 1),
  ]

  /// Whose answer is a success.
  static let behaving = [
    "fine", "unknown_event", "floods_stderr", "fine_then_hangs", "leaves_its_link", "fine_with_a_stray", "sleeps_20s_then_fine",
    "sleeps_a_second_then_fine",
  ]

  /// What is asked for something else than a poll's answer.
  static let others = [
    "last_words", "says_its_environment", "says_its_descriptors", "says_its_signals", "says_its_family", "leaves_a_daemon",
    "finds_a_hub", "finds_one_and_leaves_its_link", "finds_nobody",
  ]
}
