/// The mean of the last 100 numbers.
package struct RecentMean: Equatable, Sendable {
  package static let window = 100

  private var numbers: [Double] = []
  private var next = 0

  package init() {}

  package mutating func note(_ number: Double) {
    if numbers.count < Self.window {
      numbers.append(number)
    } else {
      numbers[next] = number
      next = (next + 1) % Self.window
    }
  }

  package var mean: Double? { numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count) }
}
