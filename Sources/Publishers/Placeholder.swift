enum PublishersPlaceholder {}
