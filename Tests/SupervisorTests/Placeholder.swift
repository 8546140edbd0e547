enum SupervisorTestsPlaceholder {}
