; Highlights, in the names that most editors know.

(line_comment) @comment
(block_comment) @comment
((line_comment) @comment.documentation
  (#match? @comment.documentation "^///"))
((block_comment) @comment.documentation
  (#match? @comment.documentation "^/\\*\\*[^*]"))

["package" "use" "as" "with" "include" "import" "export"] @keyword.import
["interface" "world" "record" "variant" "enum" "flags" "resource" "type"] @keyword.type
["func" "constructor" "get" "set"] @keyword.function
["async" "static"] @keyword.modifier

(attribute "@" @attribute)
(attribute ["since" "unstable" "deprecated" "external-id"] @attribute)
(attribute ["version" "feature"] @property)
(attribute (identifier) @constant)

(package_name (identifier) @module)
(use_path (identifier) @module)
(toplevel_use (identifier) @module)
(version) @number
(integer) @number
(string_literal) @string

(interface name: (identifier) @type)
(world name: (identifier) @type)
(record name: (identifier) @type)
(variant name: (identifier) @type)
(enum name: (identifier) @type)
(flags name: (identifier) @type)
(resource name: (identifier) @type)
(type_alias name: (identifier) @type)
(named_type) @type
(handle_type (identifier) @type)
(primitive_type) @type.builtin
["tuple" "list" "option" "result" "map" "future" "stream" "own" "borrow"] @type.builtin
(use_name (identifier) @type)
(include_name (identifier) @type)

(function name: (identifier) @function)
(method name: (identifier) @function.method)
(import name: (identifier) @function)
(export name: (identifier) @function)
(parameter (identifier) @variable.parameter)
(field (identifier) @property)
(case (identifier) @constant)
(label) @constant

["(" ")" "{" "}" "<" ">"] @punctuation.bracket
["," ";" ":" "." "/"] @punctuation.delimiter
(package_name "@" @punctuation.delimiter)
(use_path "@" @punctuation.delimiter)
["=" "->"] @operator
