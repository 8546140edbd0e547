enum PolicyTestsPlaceholder {}
