import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { AppError } from "@tidemark/kit";
import { nearestExisting } from "./restore-target.ts";

/** To whom restored files belong. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The owner of what is restored, or null when it is simply ourselves. Only root can give files away: then it is the
 * one asked for (`postgres`, `postgres:postgres`, `999:999`), or the owner of the target directory.
 * Throws `bad-request` for an owner that does not exist, or asked for by an ordinary user.
 */
export async function resolveOwner(asked: string | null, targetDirectory: string): Promise<Owner | null> {
  const ownUid = process.getuid?.();
  if (asked === null) {
    if (ownUid !== 0) return null;
    const { uid, gid } = await stat(await nearestExisting(targetDirectory));
    return { uid, gid };
  }
  const [user = "", group] = asked.split(":");
  const uid = await idOf("-u", user);
  const gid = group === undefined ? await primaryGroup(user, uid) : await groupId(group);
  if (uid === null || gid === null)
    throw new AppError("bad-request", { message: `there is no account "${asked}" on this machine` });
  if (ownUid !== 0 && ownUid !== undefined && uid !== ownUid) {
    throw new AppError("bad-request", {
      message: `only root can give restored files to ${asked}`,
      hint: "leave the owner out, or run the worker as root",
    });
  }
  return { uid, gid };
}

async function idOf(flag: "-u" | "-g", name: string): Promise<number | null> {
  if (/^\d+$/.test(name)) return Number(name);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(name)) return null;
  try {
    return Number((await run("id", [flag, name])).stdout.trim());
  } catch {
    // `id` exits non-zero for an account that does not exist: that is the answer.
    return null;
  }
}

/** A bare number need not have an account; its group is then the same number. */
async function primaryGroup(user: string, uid: number | null): Promise<number | null> {
  return /^\d+$/.test(user) ? uid : await idOf("-g", user);
}

async function groupId(group: string): Promise<number | null> {
  if (/^\d+$/.test(group)) return Number(group);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(group)) return null;
  try {
    return Number((await run("getent", ["group", group])).stdout.split(":")[2]);
  } catch {
    return null;
  }
}

const run = promisify(execFile);
