;; The host gives back the readable end that it got: the guest has both ends again, and the write is still under way.
(component
  (@host) (@types u8)
  (core module $m (@imports)
    (func (export "run")
      (call $stream)
      (call $eq (global.get $r) #1) (call $eq (global.get $w) #2)
      (call $eq (call $s-write (global.get $w) #0 #4) #-1)
      (call $eq (call $echo (global.get $r) #8) #2)
      (call $eq (i32.load #8) #1)
      (call $copied (call $s-cancel-write (global.get $w)) #2 #0)
      (call $s-drop-w (global.get $w))))
  (core instance $m (instantiate $m (with "" (instance (@with)))))
  (func (export "run") async (canon lift (core func $m "run"))))
