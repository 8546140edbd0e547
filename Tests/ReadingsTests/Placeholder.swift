enum ReadingsTestsPlaceholder {}
