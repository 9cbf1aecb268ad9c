import { statSync } from "node:fs";
import { chmod, chown, mkdir, open, readdir, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { findServerUser, placeForServer, type ServerUser } from "@tidemark/local-postgres";
import { fetchScript, spoolNames } from "./feed-command.ts";

/** What a shell told the feeder: it took a file, or it waits for one. */
export interface SpoolWord {
  readonly name: string;
  /** The question to answer; null: the file was taken. */
  readonly ask: string | null;
}

/** The files of a feed's spool, which the account of the PostgreSQL server may take and ask in. */
export class FeedSpool {
  readonly path: string;
  readonly #user: ServerUser | null;
  #beats = 0;
  #written = 0;

  private constructor(path: string, user: ServerUser | null) {
    this.path = path;
    this.#user = user;
  }

  /** Makes the folder anew. One of a feed that died is thrown away with all it holds. */
  static async make(path: string): Promise<FeedSpool> {
    if (/[\r\n\0]/.test(path)) {
      throw new AppError("bad-request", { message: "the path of a spool cannot hold a line end or a zero byte" });
    }
    const user = await findServerUser();
    const place = await placeForServer(path, user);
    const spool = new FeedSpool(place.path, user);
    await rm(place.path, { recursive: true, force: true });
    await mkdir(place.path, { recursive: true, mode: 0o711 });
    await writeFile(spool.#in(spoolNames.script), fetchScript(place.path), { mode: 0o755 });
    for (const folder of [spoolNames.ready, spoolNames.want, spoolNames.answer]) {
      await mkdir(spool.#in(folder), { mode: 0o700 });
      await spool.#give(spool.#in(folder));
    }
    await spool.beat();
    return spool;
  }

  get wantFolder(): string {
    return this.#in(spoolNames.want);
  }

  /** Says that the feeder lives. */
  async beat(): Promise<void> {
    const draft = this.#in(`${spoolNames.alive}.tmp`);
    this.#beats++;
    await writeFile(draft, `${process.pid} ${this.#beats} ${pidNamespace}\n`);
    await chmod(draft, 0o644);
    await rename(draft, this.#in(spoolNames.alive));
  }

  /** Takes what the shells said since the last time. */
  async takeWords(): Promise<readonly SpoolWord[]> {
    const words: SpoolWord[] = [];
    for (const entry of await readdir(this.wantFolder)) {
      await unlink(join(this.wantFolder, entry)).catch(ignoreMissing);
      const comma = entry.indexOf(",");
      if (comma < 0) continue;
      const name = entry.slice(0, comma);
      words.push({ name, ask: entry.slice(comma + 1) === "took" ? null : entry });
    }
    return words;
  }

  async holds(name: string): Promise<boolean> {
    return (await sizeOf(this.#ready(name))) !== null;
  }

  /** Writes a file under a temporary name and then makes it visible whole. Gives its size. Throws `disk-full`. */
  async put(name: string, body: AsyncIterable<Uint8Array>, expectedBytes: number | null): Promise<number> {
    const draft = this.#in(`${name}.${this.#written++}.tmp`);
    try {
      const size = await writeAll(draft, body);
      if (expectedBytes !== null && size !== expectedBytes) {
        throw new AppError("wal-damaged", {
          message: `${name} has ${size} bytes in the archive instead of ${expectedBytes}`,
          context: { name },
        });
      }
      // PostgreSQL keeps it and writes over it when it recycles it: it must own it.
      await this.#give(draft);
      await rename(draft, this.#ready(name));
      return size;
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async drop(name: string): Promise<void> {
    await rm(this.#ready(name), { force: true });
  }

  async answer(ask: string, ...lines: readonly string[]): Promise<void> {
    const draft = this.#in(`${ask}.tmp`);
    await writeFile(draft, lines.map((line) => `${line.replaceAll(/\s+/g, " ")}\n`).join(""));
    await chmod(draft, 0o644);
    await this.#give(draft);
    await rename(draft, join(this.#in(spoolNames.answer), ask));
  }

  async remove(): Promise<void> {
    // A shell that is just asking sees no sign of life first, and a moment later no folder to ask in.
    await rm(this.#in(spoolNames.alive), { force: true });
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }

  async #give(path: string): Promise<void> {
    if (this.#user !== null) await chown(path, this.#user.uid, this.#user.gid);
  }

  #ready(name: string): string {
    return join(this.#in(spoolNames.ready), name);
  }

  #in(name: string): string {
    return join(this.path, name);
  }
}

async function writeAll(path: string, body: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, "wx", 0o600);
  let size = 0;
  try {
    for await (const bytes of body) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done);
        done += bytesWritten;
      }
      size += bytes.length;
    }
  } catch (cause) {
    if (systemErrorCode(cause) !== "ENOSPC" && systemErrorCode(cause) !== "EDQUOT") throw cause;
    throw new AppError("disk-full", {
      message: "there is no space left for WAL on its way to the recovery",
      hint: "free some space there; nothing is lost",
      context: { path },
      cause,
    });
  } finally {
    await file.close();
  }
  return size;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    ignoreMissing(error);
    return null;
  }
}

function ignoreMissing(error: unknown): void {
  if (systemErrorCode(error) !== "ENOENT") throw error;
}

/** Within which the number of a process means that process (pid_namespaces(7)); empty where there is no such thing. */
const pidNamespace = process.platform === "linux" ? statSync("/proc/self/ns/pid").ino : "";
