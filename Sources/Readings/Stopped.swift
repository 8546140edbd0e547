/// The process was told to stop: thrown out of whatever it was waiting for. Not a failure of anything.
package struct Stopped: Error, Equatable {
  package init() {}
}
