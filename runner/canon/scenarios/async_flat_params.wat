;; An async call passes four core values flat; five lie in memory.
(component
  (@host) (@types u8)
  (core module $m (@imports)
    (func (export "run")
      (call $eq (call $flat4 (f32.const 1.1) (f64.const 2.2) #3 (i64.const 4)) #2)
      (call $eq (call $four #1 #2 #3 #4) #2)
      (i64.store #12 (i64.const 0x0504030200000001))
      (call $eq (call $five #12) #2)
      (call $return)))
  (core instance $m (instantiate $m (with "" (instance (@with)))))
  (func (export "run") async (canon lift (core func $m "run") async)))
