import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AppError } from "@tidemark/kit";

/** The account our PostgreSQL servers run under when we are root ourselves: PostgreSQL refuses root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/**
 * The account for a PostgreSQL server of ours, or null when we are not root and the server simply runs as ourselves.
 *
 * It must have a passwd entry: `initdb` looks its own uid up and gives up without one (src/common/username.c). We
 * make no account on somebody's machine, so it is one of those every system brings; `postgres` first, because where
 * it exists it was made for exactly this.
 *
 * @throws AppError `postgres-start-failed` when none of them exists.
 */
export async function findServerUser(): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ["postgres", "_postgres", "nobody", "daemon"]) {
    const uid = await accountNumber("-u", name);
    const gid = await accountNumber("-g", name);
    if (uid !== null && gid !== null && uid !== 0) return { uid, gid, name };
  }
  throw new AppError("postgres-start-failed", {
    message:
      "we run as root, which PostgreSQL refuses, and there is no account postgres, nobody or daemon to use instead",
    hint: "run Tidemark as an ordinary user",
  });
}

/** The `spawn` options that make a child run under `user`. Node also drops root's supplementary groups with them. */
export function identityOf(user: ServerUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/**
 * The first of `directories` that `user` may not enter, or null. Asked by trying under that uid, so that access
 * control lists and container mounts count too.
 */
export async function firstClosedDirectory(user: ServerUser, directories: readonly string[]): Promise<string | null> {
  const script = 'for d in "$@"; do [ -x "$d" ] || { printf %s "$d"; exit 0; }; done';
  const { stdout } = await run("/bin/sh", ["-c", script, "sh", ...directories], { cwd: "/", ...identityOf(user) });
  return stdout === "" ? null : stdout;
}

const run = promisify(execFile);

async function accountNumber(flag: "-u" | "-g", name: string): Promise<number | null> {
  try {
    const { stdout } = await run("id", [flag, name]);
    const value = Number(stdout.trim());
    // macOS prints nobody's uid as -2; the kernel's uid_t is unsigned.
    return Number.isInteger(value) ? value >>> 0 : null;
  } catch {
    // `id` exits non-zero for an account that does not exist: that is the answer, not a failure.
    return null;
  }
}
