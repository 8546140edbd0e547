/// What is wrong with keeping things on disk, for the person who must act.
package struct StoreTrouble: Equatable, Sendable {
  /// What and where: a sentence.
  package var message: String
  /// What to do: a sentence.
  package var advice: String
}
