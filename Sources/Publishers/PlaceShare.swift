import Synchronization

/// How much each place may have of what there is for all, so that one leaves something for the others.
final class PlaceShare: Sendable {
  let most: Int
  private let taken = Mutex<[ClientPlace: Int]>([:])

  init(most: Int) { self.most = most }

  /// Whether there was one more for it; then it is to be given back.
  func take(_ place: ClientPlace) -> Bool {
    taken.withLock { taken in
      guard taken[place, default: 0] < most else { return false }
      taken[place, default: 0] += 1
      return true
    }
  }

  func giveBack(_ place: ClientPlace) {
    taken.withLock { taken in
      let left = taken[place, default: 1] - 1
      taken[place] = left > 0 ? left : nil
    }
  }
}
