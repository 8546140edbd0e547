/// The numbers that policy goes by, where a user may want others. `blupow config example` says why each is what it is.
package struct PolicySettings: Equatable, Sendable {
  package var backOff = BackOff()
  /// Sessions at once on one adapter: controllers have 5 to 7 connections, and other programs want some.
  package var sessions = AdapterPool.sessions
  /// Of those, for modules whose last poll failed: they hold a session to their deadline.
  package var failingSessions = AdapterPool.failingSessions
  /// Polls in a row that found another program's link, before it is left alone.
  package var yieldAfter = 3
  /// Polls in a row that failed alike, before bluetoothd is made to forget the module and look for it anew.
  package var forgetAfter = 3
  package var forgetEvery = Duration.seconds(600)
  /// Whether an adapter on which nothing works may be switched off and on.
  package var resetsAdapter = false
  /// How long nothing has worked on it before that. An adapter that hears nothing for 90 s is taken for deaf elsewhere too.
  package var resetAfter = Duration.seconds(90)
  package var resetsPerHour = 3
  /// While bluetoothd or the adapter are away: how often it is looked whether they are back.
  package var probeEvery = Duration.seconds(5)
  package var summaryEvery = Duration.seconds(600)

  package init() {}
}
