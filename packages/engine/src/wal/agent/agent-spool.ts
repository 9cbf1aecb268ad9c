import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { Owner } from "../../restore/restore-owner.ts";

/**
 * Folders and files through which the `tidemark` command speaks with the agent without starting Node (apps/cli/bin/tidemark,
 * which has the same names): a POSIX shell has no sockets.
 */
export const agentSpoolNames = {
  /** `<agent> <count> <settings>`: which agent, a count that grows every second while it lives, what settings it was given. */
  alive: "alive",
  /** One file per segment that was pushed ahead: two identities, of the segment and of the settings it was pushed with. */
  pushed: "pushed",
  /**
   * One file per question, `<name>,<pid of the shell>`: the act and the path of the file or of the data directory; on a second
   * line the settings that whoever asks was given.
   */
  want: "want",
  /** One file per answer, of the same name: `ok`, `other` where the settings are not the agent's, or `error` and a sentence; on a second line what can be done. */
  answer: "answer",
  /**
   * What the segments in `feed` are good for: identities of `PG_VERSION` and of the settings, `whole` or `partial`, and whether
   * a move into `pg_wal` is a `rename` or a `copy`.
   */
  fetching: "fetching",
  /** The spool of a recovery feed. */
  feed: "feed",
} as const;

export interface AgentQuestion {
  /** The name of its file, which the answer gets, too. */
  readonly ask: string;
  readonly act: "push" | "fetch" | "fetch-partial";
  readonly path: string;
  readonly settings: string;
}

/** The agent's side of its spool. */
export class AgentSpool {
  readonly path: string;
  readonly #owner: Owner | null;
  readonly #settingsIdentity: string;
  /** What a shell asked of another one is lost. */
  readonly #agent = randomBytes(8).toString("hex");
  #beats = 0;
  #drafts = 0;

  private constructor(path: string, owner: Owner | null, settingsIdentity: string) {
    this.path = path;
    this.#owner = owner;
    this.#settingsIdentity = settingsIdentity;
  }

  /** Makes the folder where it is missing; to whom it belongs, when that is not us. */
  static async make(path: string): Promise<Owner | null> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      // Run by root, what the agent makes belongs to whoever PostgreSQL runs under, whose folder this is.
      if (process.getuid?.() !== 0) return null;
      const { uid, gid } = await stat(path);
      return { uid, gid };
    } catch (cause) {
      throw spoolUnusable(path, cause);
    }
  }

  /** Throws away what an earlier agent left: it is found out anew. */
  static async open(path: string, owner: Owner | null, settingsIdentity: string): Promise<AgentSpool> {
    try {
      const spool = new AgentSpool(path, owner, settingsIdentity);
      await rm(spool.#in("fetching"), { force: true });
      for (const folder of ["pushed", "want", "answer"] as const) {
        await rm(spool.#in(folder), { recursive: true, force: true });
        await mkdir(spool.#in(folder), { mode: 0o700 });
        await spool.#give(spool.#in(folder));
      }
      return spool;
    } catch (cause) {
      throw spoolUnusable(path, cause);
    }
  }

  get wantFolder(): string {
    return this.#in("want");
  }

  get feedFolder(): string {
    return this.#in("feed");
  }

  async beat(): Promise<void> {
    this.#beats++;
    await this.#write(this.#in("alive"), `${this.#agent} ${this.#beats} ${this.#settingsIdentity}\n`);
  }

  /** Takes the questions that are whole; one that is just being written is taken the next time. */
  async takeQuestions(): Promise<readonly AgentQuestion[]> {
    const questions: AgentQuestion[] = [];
    for (const ask of await readdir(this.wantFolder)) {
      const text = await readFile(join(this.wantFolder, ask), "utf8").catch(ignoreMissing);
      if (text === null || !/\n.*\n$/.test(text)) continue;
      await unlink(join(this.wantFolder, ask)).catch(ignoreMissing);
      const [, act, path, settings] = /^(push|fetch|fetch-partial) (\/[^\n]*)\n(\/[^\n]*)\n$/.exec(text) ?? [];
      if (act !== undefined && path !== undefined && settings !== undefined) {
        questions.push({ ask, act: act as AgentQuestion["act"], path, settings });
      } else await this.answer(ask, "error bad-request: the question is not understood");
    }
    return questions;
  }

  async answer(ask: string, ...lines: readonly string[]): Promise<void> {
    await this.#write(join(this.#in("answer"), ask), lines.map((line) => `${line.replaceAll(/\s+/g, " ")}\n`).join(""));
  }

  /** Says that a file is durable in the repository as long as it is that one. */
  async acknowledge(name: string, identity: string): Promise<void> {
    await this.#write(join(this.#in("pushed"), name), `${identity}\n${this.#settingsIdentity}\n`);
  }

  async acknowledged(): Promise<readonly string[]> {
    return await readdir(this.#in("pushed"));
  }

  async forget(name: string): Promise<void> {
    await rm(join(this.#in("pushed"), name), { force: true });
  }

  /** From now on the files in the feed's spool are what the recovery of that data directory needs; null: of none. */
  async feeds(lines: readonly string[] | null): Promise<void> {
    if (lines === null) await rm(this.#in("fetching"), { force: true });
    else await this.#write(this.#in("fetching"), lines.map((line) => `${line}\n`).join(""));
  }

  /** Answers that nobody came for: their shells were ended. */
  async tidy(olderThan: Date): Promise<void> {
    for (const ask of await readdir(this.#in("answer"))) {
      const path = join(this.#in("answer"), ask);
      const found = await stat(path).catch(ignoreMissing);
      if (found !== null && found.mtime < olderThan) await rm(path, { force: true });
    }
  }

  async close(): Promise<void> {
    await rm(this.#in("alive"), { force: true });
    await rm(this.#in("fetching"), { force: true });
  }

  /** Whole or not at all, and readable by PostgreSQL's account. */
  async #write(path: string, text: string): Promise<void> {
    const draft = this.#in(`draft.${this.#drafts++}`);
    try {
      await writeFile(draft, text, { mode: 0o600 });
      await chmod(draft, 0o600);
      await this.#give(draft);
      await rename(draft, path);
    } catch (error) {
      // A full disk takes the name, not what was to stand there.
      await rm(draft, { force: true });
      throw error;
    }
  }

  async #give(path: string): Promise<void> {
    if (this.#owner !== null) await chown(path, this.#owner.uid, this.#owner.gid);
  }

  #in(name: keyof typeof agentSpoolNames | (string & {})): string {
    return join(this.path, name in agentSpoolNames ? agentSpoolNames[name as keyof typeof agentSpoolNames] : name);
  }
}

/** Whatever it was that could not be done in the folder. */
export function spoolUnusable(path: string, cause: unknown): AppError {
  return new AppError("target-not-writable", {
    message: `the agent's folder ${path} cannot be used: ${(cause as Error).message}`,
    hint: "make it, owned by the user that PostgreSQL runs under, or name another as spool in the host's settings",
    context: { path },
    cause,
  });
}

function ignoreMissing(error: unknown): null {
  if (systemErrorCode(error) === "ENOENT") return null;
  throw error;
}

/** Whether the agent of a spool lives, or seemed to when it was last heard, and was given the settings of this identity. */
export async function servesSettings(spool: string, settingsIdentity: string): Promise<boolean> {
  const text = await readFile(join(spool, agentSpoolNames.alive), "utf8").catch(() => "");
  return text.trimEnd().split(" ")[2] === settingsIdentity;
}
