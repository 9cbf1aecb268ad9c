import { AppError } from "@tidemark/kit";
import {
  type DirectoryEntry,
  listDirectoryPage,
  neutraliseIdleTimeouts,
  readBinaryFile,
  type SqlSession,
} from "@tidemark/postgres";
import { type ClusterFiles, type ListedEntry, rawPath, readablePath } from "./cluster-files.ts";

export interface ServerFilesOptions {
  readonly connectSql: (signal: AbortSignal) => Promise<SqlSession>;
  readonly readers: number;
  /** Ends every reading session at once. */
  readonly signal: AbortSignal;
  /** 0700 or 0750: tells the modes PostgreSQL gives its folders and files (file_perm.c); SQL does not show them. */
  readonly dataDirectoryMode: number;
  /** Entries of a folder asked for at a time. 10,000 unless given. */
  readonly pageSize?: number | undefined;
}

/**
 * The files of a cluster over SQL sessions. Asking again changes nothing, so a session that was lost is replaced once
 * for each question; whether the backup still runs is for its own session to tell.
 *
 * Differences to what BASE_BACKUP sees: links are followed, permission bits are PostgreSQL's own, and an entry whose
 * name is no text for the server is left out and noted.
 */
export class ServerFiles implements ClusterFiles {
  readonly lanes: number;
  readonly notes: string[] = [];
  readonly #options: ServerFilesOptions;
  readonly #idle: SqlSession[] = [];
  readonly #all = new Set<SqlSession>();
  readonly #waiting: ((lane: SqlSession | null) => void)[] = [];
  #busy = 0;
  /** Connections that are being made. */
  readonly #opening = new Set<Promise<SqlSession>>();
  /** Ends sessions that are at work when all is closed. */
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: ServerFilesOptions) {
    this.#options = options;
    this.lanes = options.readers;
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal]);
  }

  async list(path: string): Promise<readonly ListedEntry[] | null> {
    const folder = path === "" ? "." : readablePath(path);
    const entries: ListedEntry[] = [];
    let limit = this.#options.pageSize ?? defaultPageSize;
    let after: string | undefined;
    for (;;) {
      const options = { after, limit, timeoutMs: listTimeoutMs };
      const page = await this.#ask((session) => listDirectoryPage(session, folder, options));
      if (page === null) return after === undefined ? null : entries;
      this.#takePage(folder, page.entries, entries);
      if (!page.isFull) return entries;
      // Only a name we have exactly can be told the server; what follows it in this page comes once more and is left out.
      if (page.lastName === null) limit *= 2;
      else after = page.lastName;
    }
  }

  #takePage(folder: string, listed: readonly DirectoryEntry[], entries: ListedEntry[]): void {
    const { dataDirectoryMode } = this.#options;
    for (const { name, isNameExact, sizeBytes, isDirectory, modifiedAt } of listed) {
      if (!isNameExact) {
        this.#note(`${folder}/${name} was left out: its name is no text for the server, so it cannot be asked for`);
        continue;
      }
      const kind = isDirectory ? "folder" : "file";
      const mode = isDirectory ? dataDirectoryMode : dataDirectoryMode & 0o666;
      entries.push({ name: rawPath(name), kind, sizeBytes: Number(sizeBytes), mode, modifiedAt });
    }
  }

  async read(path: string, offset: number, lengthBytes: number): Promise<Uint8Array | null> {
    return await this.#ask(async (session) => {
      const options = { offset, lengthBytes, chunkBytes: lengthBytes };
      for await (const chunk of readBinaryFile(session, readablePath(path), options)) return chunk;
      return new Uint8Array(0);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((session) => session.close()));
    this.#ending.abort(new AppError("cancelled", { message: "the reading sessions were closed" }));
    for (const next of this.#waiting.splice(0)) next(null);
    await Promise.allSettled(this.#opening);
    await Promise.all([...this.#all].map((session) => session.close()));
  }

  /** Null for what is gone. */
  async #ask<T>(question: (session: SqlSession) => Promise<T>): Promise<T | null> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#take();
      try {
        return await question(session);
      } catch (error) {
        if (error instanceof AppError && error.code === "file-missing-on-server") return null;
        if (session.lost === null || attempt === attempts || this.#signal.aborted) throw error;
      } finally {
        this.#giveBack(session);
      }
    }
  }

  async #take(): Promise<SqlSession> {
    if (this.#busy >= this.lanes) {
      const handed = await new Promise<SqlSession | null>((resolve) => this.#waiting.push(resolve));
      if (handed !== null) return handed;
    } else this.#busy++;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.lost === null) return idle;
      this.#all.delete(idle);
    }
    const opening = this.#open();
    this.#opening.add(opening);
    try {
      return await opening;
    } catch (error) {
      this.#passOn(null);
      throw error;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #open(): Promise<SqlSession> {
    this.#signal.throwIfAborted();
    const session = await this.#options.connectSql(this.#signal);
    this.#all.add(session);
    await neutraliseIdleTimeouts(session);
    return session;
  }

  #giveBack(session: SqlSession): void {
    if (session.lost !== null) this.#all.delete(session);
    this.#passOn(session.lost === null ? session : null);
  }

  /** Hands a lane to whoever waits longest; without a session it opens its own. */
  #passOn(session: SqlSession | null): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next(session);
      return;
    }
    this.#busy--;
    if (session !== null) this.#idle.push(session);
  }

  #note(note: string): void {
    if (this.notes.length < notesKept && !this.notes.includes(note)) this.notes.push(note);
  }
}

/** A session may be lost without our having noticed it yet: then the next one is asked, which is new. */
const attempts = 3;
const notesKept = 20;
/** So that no answer keeps our thread for long. */
const defaultPageSize = 10_000;
/** A folder of a million files takes the server some ten seconds. */
const listTimeoutMs = 300_000;
