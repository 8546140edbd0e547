package import Policy
package import Readings

extension Gateway {
  /// What each module does at this moment.
  package func doings() -> [Address: StallCheck.Doing] {
    machines.reduce(into: [:]) { doings, entry in
      let (address, machine) = entry
      doings[address] =
        switch machine.state {
        case .resting(let until): .resting(until: until)
        case .polling(let poll, _, _) where sessions.isWaiting(address): .waiting(poll: poll)
        case .polling(let poll, _, let deadline): .polling(poll: poll, deadline: deadline)
        case .releasing(let poll, _, _): .releasing(poll: poll)
        }
    }
  }
}
