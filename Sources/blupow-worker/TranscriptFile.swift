import Devices
import Glibc
import Readings

/// Where a poll writes down what goes by on the serial line: each line as it comes, so that a worker that is killed has said how far
/// it got. Trouble with the file costs no poll.
final class TranscriptFile {
  /// A poll says some thousand bytes.
  static let maxBytes = 1_048_576

  private let descriptor: Int32
  private let path: String
  private let reporter: Reporter
  private var size = 0
  private var hasHead = false
  private var isClosed = false

  /// Makes the file, for its owner's eyes: nothing that is there is written over.
  init(at path: String, reporter: Reporter) throws(FailureReport) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0o600)
    guard descriptor >= 0 else {
      let why =
        errno == EEXIST
        ? "it is there already, and nothing is written over: name a new one" : String(cString: strerror(errno))
      throw FailureReport(.badRequest, at: .start, "The transcript '\(path)' cannot be made: \(why).")
    }
    self.path = path
    self.reporter = reporter
  }

  /// What the file is, once, before the first frame.
  func begin(_ head: @autoclosure () -> TranscriptHead) {
    guard !hasHead else { return }
    hasHead = true
    put(head())
  }

  func write(_ line: Transcript.Line) { put(line) }

  private func put(_ line: some Encodable) {
    guard !isClosed else { return }
    do {
      let bytes = try Wire.line(line)
      guard size + bytes.count <= Self.maxBytes else {
        return stop("it has \(Self.maxBytes) bytes, and takes no more")
      }
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard written == bytes.count else {
        return stop(written < 0 ? String(cString: strerror(errno)) : "there is no room")
      }
      size += written
    } catch {
      stop("\(error)")
    }
  }

  private func stop(_ why: String) {
    isClosed = true
    reporter.log("the transcript \(path) ends here: \(why)")
  }
}
