;; A readable end goes in and out, also one whose writer is gone already.
(component
  (@host) (@types u8)
  (core module $m (@imports)
    (func (export "run") (param $r1 i32) (result i32) (call $eq %r1 #1) %r1))
  (core instance $m (instantiate $m (with "" (instance (@with)))))
  (func (export "run") (param "s" $s) (result $s) (canon lift (core func $m "run"))))
