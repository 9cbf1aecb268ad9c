;; The checksum of a PostgreSQL page (src/include/storage/checksum_impl.h): 32 sums of FNV-1a side by side, here as eight
;; vectors of four. Compiled by packages/postgres/scripts/build-page-checksum.mjs into page-checksum-module.ts.
(module
  ;; Room for the pages of one call from JavaScript, from address 0 on.
  (memory (export "memory") 2)

  ;; pd_checksum of the page at an address, `length` bytes long (a multiple of 128), as the block of this number.
  (func (export "checksum") (param $at i32) (param $length i32) (param $block i32) (result i32)
    (local $end i32) (local $prime v128) (local $mixed v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local $s4 v128) (local $s5 v128) (local $s6 v128) (local $s7 v128)
    (local.set $prime (v128.const i32x4 16777619 16777619 16777619 16777619))
    ;; checksumBaseOffsets
    (local.set $s0 (v128.const i32x4 0x5b1f36e9 0xb8525960 0x02ab50aa 0x1de66d2a))
    (local.set $s1 (v128.const i32x4 0x79ff467a 0x9bb9f8a3 0x217e7cd2 0x83e13d2c))
    (local.set $s2 (v128.const i32x4 0xf8d4474f 0xe39eb970 0x42c6ae16 0x993216fa))
    (local.set $s3 (v128.const i32x4 0x7b093b5d 0x98daff3c 0xf718902a 0x0b1c9cdb))
    (local.set $s4 (v128.const i32x4 0xe58f764b 0x187636bc 0x5d7b3bb1 0xe73de7de))
    (local.set $s5 (v128.const i32x4 0x92bec979 0xcca6c0b2 0x304a0979 0x85aa43d4))
    (local.set $s6 (v128.const i32x4 0x783125bb 0x6ca8eaa2 0xe407eac6 0x4b5cfc3e))
    (local.set $s7 (v128.const i32x4 0x9fbf8c76 0x15ca20be 0xf2ca9fd3 0x959bd756))
    ;; pd_checksum counts as zero: the lower half of the third word, which is put back into no page that is kept.
    (i32.store16 offset=8 (local.get $at) (i32.const 0))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (loop $row
      (local.set $mixed (v128.xor (local.get $s0) (v128.load offset=0 (local.get $at))))
      (local.set $s0 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s1) (v128.load offset=16 (local.get $at))))
      (local.set $s1 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s2) (v128.load offset=32 (local.get $at))))
      (local.set $s2 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s3) (v128.load offset=48 (local.get $at))))
      (local.set $s3 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s4) (v128.load offset=64 (local.get $at))))
      (local.set $s4 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s5) (v128.load offset=80 (local.get $at))))
      (local.set $s5 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s6) (v128.load offset=96 (local.get $at))))
      (local.set $s6 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $mixed (v128.xor (local.get $s7) (v128.load offset=112 (local.get $at))))
      (local.set $s7 (v128.xor (i32x4.mul (local.get $mixed) (local.get $prime)) (i32x4.shr_u (local.get $mixed) (i32.const 17))))
      (local.set $at (i32.add (local.get $at) (i32.const 128)))
      (br_if $row (i32.lt_u (local.get $at) (local.get $end))))
    ;; Two rounds of zeros.
    (local.set $s0 (v128.xor (i32x4.mul (local.get $s0) (local.get $prime)) (i32x4.shr_u (local.get $s0) (i32.const 17))))
    (local.set $s1 (v128.xor (i32x4.mul (local.get $s1) (local.get $prime)) (i32x4.shr_u (local.get $s1) (i32.const 17))))
    (local.set $s2 (v128.xor (i32x4.mul (local.get $s2) (local.get $prime)) (i32x4.shr_u (local.get $s2) (i32.const 17))))
    (local.set $s3 (v128.xor (i32x4.mul (local.get $s3) (local.get $prime)) (i32x4.shr_u (local.get $s3) (i32.const 17))))
    (local.set $s4 (v128.xor (i32x4.mul (local.get $s4) (local.get $prime)) (i32x4.shr_u (local.get $s4) (i32.const 17))))
    (local.set $s5 (v128.xor (i32x4.mul (local.get $s5) (local.get $prime)) (i32x4.shr_u (local.get $s5) (i32.const 17))))
    (local.set $s6 (v128.xor (i32x4.mul (local.get $s6) (local.get $prime)) (i32x4.shr_u (local.get $s6) (i32.const 17))))
    (local.set $s7 (v128.xor (i32x4.mul (local.get $s7) (local.get $prime)) (i32x4.shr_u (local.get $s7) (i32.const 17))))
    (local.set $s0 (v128.xor (i32x4.mul (local.get $s0) (local.get $prime)) (i32x4.shr_u (local.get $s0) (i32.const 17))))
    (local.set $s1 (v128.xor (i32x4.mul (local.get $s1) (local.get $prime)) (i32x4.shr_u (local.get $s1) (i32.const 17))))
    (local.set $s2 (v128.xor (i32x4.mul (local.get $s2) (local.get $prime)) (i32x4.shr_u (local.get $s2) (i32.const 17))))
    (local.set $s3 (v128.xor (i32x4.mul (local.get $s3) (local.get $prime)) (i32x4.shr_u (local.get $s3) (i32.const 17))))
    (local.set $s4 (v128.xor (i32x4.mul (local.get $s4) (local.get $prime)) (i32x4.shr_u (local.get $s4) (i32.const 17))))
    (local.set $s5 (v128.xor (i32x4.mul (local.get $s5) (local.get $prime)) (i32x4.shr_u (local.get $s5) (i32.const 17))))
    (local.set $s6 (v128.xor (i32x4.mul (local.get $s6) (local.get $prime)) (i32x4.shr_u (local.get $s6) (i32.const 17))))
    (local.set $s7 (v128.xor (i32x4.mul (local.get $s7) (local.get $prime)) (i32x4.shr_u (local.get $s7) (i32.const 17))))
    ;; Folded.
    (local.set $s0 (v128.xor
      (v128.xor (v128.xor (local.get $s0) (local.get $s1)) (v128.xor (local.get $s2) (local.get $s3)))
      (v128.xor (v128.xor (local.get $s4) (local.get $s5)) (v128.xor (local.get $s6) (local.get $s7)))))
    ;; Mixed with the block number, and never zero.
    (i32.add (i32.const 1) (i32.rem_u
      (i32.xor (local.get $block) (i32.xor
        (i32.xor (i32x4.extract_lane 0 (local.get $s0)) (i32x4.extract_lane 1 (local.get $s0)))
        (i32.xor (i32x4.extract_lane 2 (local.get $s0)) (i32x4.extract_lane 3 (local.get $s0)))))
      (i32.const 65535))))
)
