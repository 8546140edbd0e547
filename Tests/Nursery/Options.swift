import Glibc

/// What the nursery is asked for.
struct Options {
  /// An animal with its own words, and the deadline of its poll in seconds: `dies_of,11` or `hangs:1`.
  struct Guest {
    var words: [String]
    var seconds: Int

    init(_ text: String) {
      let parts = text.split(separator: ":")
      words = parts[0].split(separator: ",").map(String.init)
      seconds = parts.count > 1 ? Int(parts[1]) ?? 4 : 4
    }
  }

  var adopts = false
  /// SIGCHLD is ignored, so that the kernel reaps every child by itself.
  var ignoresEnds = false
  /// A child that is started by hand; with `runsAway` in a session of its own.
  var ownChild: (runsAway: Bool, Void)?
  var guests: [Guest] = []

  init(_ arguments: some Sequence<String>) {
    for argument in arguments {
      switch argument {
      case "--adopts": adopts = true
      case "--ignores-ends": ignoresEnds = true
      case "--own-child": ownChild = (false, ())
      case "--own-session": ownChild = (true, ())
      default: guests.append(Guest(argument))
      }
    }
  }
}
