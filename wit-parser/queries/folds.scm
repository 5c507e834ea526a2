; What an editor can fold.
[
  (nested_package)
  (interface_body)
  (world_body)
  (record)
  (variant)
  (enum)
  (flags)
  (resource)
  (block_comment)
] @fold
