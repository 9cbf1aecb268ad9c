/**
 * How a process that runs acts is started so that its memory stays small: buffers lie outside V8's heap, where glibc
 * decides. Its threshold for giving memory back at once grows with every large buffer that is freed, and what is
 * below it is kept per thread; set by hand it stays where it is. Young generations that are not large free finished
 * buffers sooner.
 *
 * Measured 2026-11-21, backup, verification and restore of 500 MiB in one process: 519 MiB at most without, 320 MiB
 * with the environment alone, 252 MiB with both. Threads keep their buffers since then: an act of its own on 1.4 GB takes
 * 190 to 215 MiB at most (a full backup) and 150 to 170 (a restore, a whole verification), with these settings or without,
 * and the same time. They stay for what still makes large buffers: ranges that come from a remote store.
 *
 * The library that sums CRC-32C has an allocator of its own (mimalloc), which takes 32 MiB of addresses, uses some 40 KiB of
 * them and asks the kernel for huge pages there: 2 MiB at once, and all 32 as zeros within some minutes, when the kernel puts
 * small pages together (khugepaged). Told not to, it asks the kernel for none in this process and what that starts
 * (PR_SET_THP_DISABLE); nothing else here asks for them.
 */
export const boundedMemory = {
  environment: { MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "65536", MIMALLOC_ALLOW_THP: "0" },
  nodeFlags: ["--max-semi-space-size=4"],
} as const;
