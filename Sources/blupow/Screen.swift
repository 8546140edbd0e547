import Glibc

/// A terminal that is drawn over, line by line: nothing is blank in between, so nothing flickers.
struct Screen {
  /// `nil`: standard output is no terminal.
  init?() {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    // Long lines are cut, not wrapped: a wrapped one would move what comes below.
    Console.print("\u{1B}[?7l\u{1B}[H\u{1B}[2J", end: "")
  }

  func draw(_ text: String) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // The last line stays free: a newline there would move everything up.
    if let height, lines.count >= height { lines = Array(lines.prefix(max(1, height - 1))) }
    Console.print("\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J", end: "")
  }

  func leave() { Console.print("\u{1B}[?7h", end: "") }

  private var height: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
    return Int(size.ws_row)
  }
}
