import Readings

/// A program to run.
package struct Command: Sendable {
  package var path: String
  /// Without argv[0], which is the path.
  package var arguments: [String]
  /// All of it: nothing is inherited.
  package var environment: [String: String]
  /// Written to its standard input, which is then closed.
  package var input: [UInt8]
  /// Leaves standard input open after `input`, for `Child.write`.
  package var keepsInputOpen: Bool

  package init(
    path: String, arguments: [String] = [], environment: [String: String] = [:], input: [UInt8] = [], keepsInputOpen: Bool = false
  ) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
    self.input = input
    self.keepsInputOpen = keepsInputOpen
  }
}

/// How much a child may say.
package struct OutputLimits: Equatable, Sendable {
  /// Bytes in one line of standard output; one more ends the child.
  package var line: Int
  /// Bytes of standard output in all; one more ends the child. A line counts at least `lineCost`.
  package var total: Int
  /// Bytes of a line of standard error; it is cut there.
  package var errorLine: Int
  /// Bytes of standard error in all; what follows is read and dropped.
  package var errorTotal: Int

  /// What it costs to hold the shortest line: a million newlines are a megabyte on the pipe and many in memory.
  package static let lineCost = 64

  package init(line: Int, total: Int, errorLine: Int, errorTotal: Int) {
    self.line = line
    self.total = total
    self.errorLine = errorLine
    self.errorTotal = errorTotal
  }

  package static let worker = OutputLimits(
    line: Wire.maxLineBytes, total: Wire.maxOutputBytes, errorLine: 4096, errorTotal: 65_536)
}

/// A program that could not be started.
package struct SpawnFailure: Error, Equatable, Sendable, CustomStringConvertible {
  package var path: String
  package var errno: Int32

  package init(path: String, errno: Int32) {
    self.path = path
    self.errno = errno
  }

  package var description: String { "\(path) could not be started: \(errorText(errno))." }
}
