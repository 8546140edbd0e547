enum RigPlaceholder {}
