import { randomBytes } from "node:crypto";
import { chown, link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { Owner } from "../../restore/restore-owner.ts";
import { isPresenceName, isPresent, showPresence, sweepPresences } from "./agent-presence.ts";

export interface AgentLock {
  /** The next agent needs not ask whether this process lives. */
  release(): Promise<void>;
}

/** Whose lock it is. */
interface Holder {
  /** As it counts processes itself, which those in another container do not: for people alone. */
  readonly pid: number;
  /** `AgentPresence.name` */
  readonly presence: string;
}

/**
 * Makes this process the only agent of a spool, or throws `agent-running`. Of any number that start at once, in whatever
 * containers of a machine, one gets it.
 *
 * The lock is the file `lock.<n>` with the highest number, and belongs to the process that is named in it for as long as
 * that is present. Whoever finds the holder gone makes the next number, which only one can (link(2) is exclusive); a number
 * that was taken is free again only below a higher one, so whoever finds a higher one beside its own was late. Node has
 * no flock(2), and a file that is removed to be made again can be removed after another has made it.
 */
export async function lockSpool(spool: string, owner: Owner | null): Promise<AgentLock> {
  const presence = await showPresence(spool, owner);
  try {
    const number = await takeLock(spool, owner, { pid: process.pid, presence: presence.name });
    await sweepPresences(spool);
    return {
      async release() {
        await rename(await writeHolder(spool, owner, null), join(spool, lockName(number)));
        await presence.end();
      },
    };
  } catch (error) {
    await presence.end();
    throw error;
  }
}

/** The number of the lock that was taken. */
async function takeLock(spool: string, owner: Owner | null, self: Holder): Promise<number> {
  const draft = await writeHolder(spool, owner, self);
  try {
    for (;;) {
      const highest = (await lockNumbers(spool)).at(-1) ?? 0;
      const holder = highest === 0 ? null : await holderOf(join(spool, lockName(highest)));
      if (holder === "superseded") continue;
      if (holder !== null && (await isPresent(spool, holder.presence))) throw agentRunning(spool, holder.pid);
      const own = highest + 1;
      if (!(await linkAnew(draft, join(spool, lockName(own))))) continue;
      const numbers = await lockNumbers(spool);
      if (numbers.some((number) => number > own)) {
        await rm(join(spool, lockName(own)), { force: true });
        continue;
      }
      // The one before stays, so that a folder that is read meanwhile shows one of the two.
      for (const number of numbers) if (number < own - 1) await rm(join(spool, lockName(number)), { force: true });
      return own;
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeHolder(spool: string, owner: Owner | null, holder: Holder | null): Promise<string> {
  const draft = join(spool, `lock-draft.${randomBytes(8).toString("hex")}`);
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  if (owner !== null) await chown(draft, owner.uid, owner.gid);
  return draft;
}

/** Null: nobody. `superseded`: the file went, since there is a higher one. */
async function holderOf(path: string): Promise<Holder | null | "superseded"> {
  try {
    const holder = JSON.parse(await readFile(path, "utf8")) as Partial<Holder> | null;
    // Not written by this version: its agent answers on its socket, if it lives.
    if (holder === null || !isPresenceName(holder.presence ?? "")) return null;
    return holder as Holder;
  } catch (error) {
    // Torn by a power cut: whoever wrote it is gone with it.
    if (error instanceof SyntaxError) return null;
    if (systemErrorCode(error) === "ENOENT") return "superseded";
    throw error;
  }
}

/** False: somebody else was first. */
async function linkAnew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Ascending. */
async function lockNumbers(spool: string): Promise<readonly number[]> {
  const numbers = (await readdir(spool)).flatMap((name) => {
    const digits = /^lock\.([1-9]\d{0,14})$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  return numbers.sort((left, right) => left - right);
}

function lockName(number: number): string {
  return `lock.${number}`;
}

function agentRunning(spool: string, pid: number): AppError {
  return new AppError("agent-running", {
    message: `there is an agent for ${spool} already: process ${pid}`,
    hint: "one agent serves a host's settings; stop that one first",
    context: { path: spool },
  });
}
