/// Why the service's socket cannot be where it should, as a sentence that says what to do.
package struct SocketTrouble: Error, Equatable, Sendable, CustomStringConvertible {
  package var description: String

  init(_ description: String) { self.description = description }
}
