; Definitions and references, for outlines and jumps.
(interface name: (identifier) @name) @definition.interface
(world name: (identifier) @name) @definition.module
(record name: (identifier) @name) @definition.class
(variant name: (identifier) @name) @definition.class
(enum name: (identifier) @name) @definition.class
(flags name: (identifier) @name) @definition.class
(resource name: (identifier) @name) @definition.class
(type_alias name: (identifier) @name) @definition.type
(function name: (identifier) @name) @definition.function
(method name: (identifier) @name) @definition.method

(named_type) @name @reference.type
(use_name . (identifier) @name) @reference.type
