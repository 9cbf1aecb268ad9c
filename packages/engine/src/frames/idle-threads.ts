import { availableParallelism } from "node:os";
import { ThreadMember } from "./thread-member.ts";

/**
 * Threads whose act is over, kept for the next one for some minutes. To start two and to run what is not compiled yet cost a
 * restore of 1 GiB 0.3 s of processor time, of 1.9 (measured 2026-11). They hold nothing of the act they were for
 * (`ThreadMember.rest`) and do not keep the process alive.
 */
const idle: IdleThread[] = [];

interface IdleThread {
  readonly script: string;
  readonly member: ThreadMember;
  readonly timer: NodeJS.Timeout;
}

/** One that is there, or a new one. */
export function takeThread(script: URL): ThreadMember {
  for (;;) {
    const at = idle.findIndex((one) => one.script === script.href);
    const [found] = at < 0 ? [] : idle.splice(at, 1);
    if (found === undefined) return new ThreadMember(script);
    clearTimeout(found.timer);
    if (!found.member.isAlive) continue;
    found.member.busy();
    return found.member;
  }
}

/** Keeps a thread that has nothing to do any more, and ends any other: when this settles it is at work no more. */
export async function giveThread(script: URL, member: ThreadMember): Promise<void> {
  if (!(await member.rest()) || idle.length >= mostIdle()) return await member.stop();
  member.idle();
  const timer = setTimeout(() => {
    const at = idle.findIndex((one) => one.member === member);
    if (at >= 0) idle.splice(at, 1);
    void member.stop();
  }, idleMs).unref();
  idle.push({ script: script.href, member, timer });
}

/** Ends the idle ones, some 15 MiB each: for an act that has threads of another kind. */
export async function releaseIdleThreads(): Promise<void> {
  const released = idle.splice(0);
  for (const { timer } of released) clearTimeout(timer);
  await Promise.all(released.map(({ member }) => member.stop()));
}

/** Restores and verifications of several backups follow each other within that time: drills of a night, a look at several days. */
const idleMs = 5 * 60_000;
/** As many as an act has by default. */
const mostIdle = () => Math.min(4, availableParallelism());
