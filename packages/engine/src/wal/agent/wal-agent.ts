import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import { AppError, type Clock, type Logger } from "@tidemark/kit";
import { troubleLines } from "../../recovery/trouble-lines.ts";
import type { WalPlaces } from "../fetch/wal-places.ts";
import { identityOf } from "../push/file-identity.ts";
import type { PushedWal } from "../push/push-wal.ts";
import { type AgentLock, lockSpool } from "./agent-lock.ts";
import type { AgentRequest } from "./agent-protocol.ts";
import { type AgentSocket, listenForRequests } from "./agent-socket.ts";
import { type AgentQuestion, AgentSpool, spoolUnusable } from "./agent-spool.ts";
import { FetchDesk } from "./fetch-desk.ts";
import { PushQueue } from "./push-queue.ts";

export interface WalAgentSettings {
  /** A folder of the agent's own, which PostgreSQL's account may read and write. */
  readonly spool: string;
  readonly socket: string;
  /** Files pushed, or fetched, at a time. */
  readonly parallel: number;
  /** Segments fetched ahead of a recovery. */
  readonly prefetch: number;
  /** How long "could not ask" is repeated before a recovery is told so, in ms. */
  readonly retryMs: number;
  /** The agent ends when nobody asked for so long; null: never. */
  readonly idleMs: number | null;
  /** For `PING`. */
  readonly version: string;
}

export interface WalAgentDeps {
  /** Stores a file as `pushWal` does; several at a time. */
  push(path: string): Promise<PushedWal>;
  /** Where a recovery reads. */
  readonly places: WalPlaces;
  /** Of the settings that all this was opened with (`identityOf`): an acknowledgement is worth something for these alone. */
  readonly settingsIdentity: string;
  /** Of the settings as they are now; throws when they are not there. Once it is another, the agent ends. */
  readSettingsIdentity(): Promise<string>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WalAgent {
  /** Resolves when it ended by itself, since nobody asked. */
  readonly idle: Promise<void>;
  /** Ends what is under way first, then the agent. */
  stop(): Promise<void>;
}

/** Archives and fetches WAL on the host of a server, on request over its socket and its spool. Throws `agent-running`. */
export async function startWalAgent(settings: WalAgentSettings, deps: WalAgentDeps): Promise<WalAgent> {
  const agent = new Agent(settings, deps);
  await agent.begin();
  return agent;
}

class Agent implements WalAgent {
  readonly idle: Promise<void>;
  readonly #settings: WalAgentSettings;
  readonly #deps: WalAgentDeps;
  readonly #queue: PushQueue;
  #spool!: AgentSpool;
  #desk!: FetchDesk;
  #socket: AgentSocket | null = null;
  #lock: AgentLock | null = null;
  #watcher: FSWatcher | null = null;
  #timers: NodeJS.Timeout[] = [];
  #endIdle: () => void = () => undefined;
  #listening: Promise<void> | null = null;
  #again = false;
  #stopped: Promise<void> | null = null;
  #askedAtMs: number;
  readonly #answering = new Set<Promise<void>>();

  constructor(settings: WalAgentSettings, deps: WalAgentDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#askedAtMs = deps.clock.monotonicMs();
    this.idle = new Promise((settle) => {
      this.#endIdle = settle;
    });
    this.#queue = new PushQueue({
      push: (path) => deps.push(path),
      acknowledge: (pushed) => this.#spool.acknowledge(pushed.name, pushed.identity),
      forget: (name) => this.#spool.forget(name),
      parallel: settings.parallel,
      onPushed: (pushed, ahead) => deps.logger.debug({ ...pushed, ahead }, "pushed"),
      onAheadFailed: (path, error) => this.#warn(`${basename(path)} could not be pushed ahead`, error),
    });
  }

  async begin(): Promise<void> {
    const { socket, spool } = this.#settings;
    // The lock decides who is the agent: only then the spool is emptied and a socket that is left there replaced.
    const owner = await AgentSpool.make(spool);
    this.#lock = await lockSpool(spool, owner).catch((cause: unknown) => {
      throw cause instanceof AppError ? cause : spoolUnusable(spool, cause);
    });
    try {
      this.#socket = await listenForRequests(socket, (request) => this.#reply(request), owner);
      this.#spool = await AgentSpool.open(spool, owner, this.#deps.settingsIdentity);
      this.#desk = this.#openDesk();
      await this.#spool.beat();
    } catch (error) {
      await this.#socket?.close();
      await this.#lock.release();
      throw error;
    }
    this.#watcher = watch(this.#spool.wantFolder, () => this.#listen());
    // A watch that breaks only makes it slower: the folder is read every so often, too.
    this.#watcher.on("error", () => this.#watcher?.close());
    this.#timers = [
      setInterval(() => this.#listen(), pollMs),
      setInterval(() => void this.#beat(), beatMs),
      setInterval(() => void this.#tidy(), tidyMs),
    ];
    this.#listen();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#watcher?.close();
    // First of all nobody comes this way any more.
    await this.#spool.close();
    await this.#socket?.close();
    await this.#listening;
    await this.#queue.stop();
    const desk = this.#desk.close();
    await Promise.all(this.#answering);
    await desk;
    await this.#lock?.release();
    this.#endIdle();
  }

  #openDesk(): FetchDesk {
    const { prefetch, parallel, retryMs } = this.#settings;
    return new FetchDesk({
      places: this.#deps.places,
      spool: this.#spool.feedFolder,
      prefetch,
      parallel,
      retryMs,
      announce: (lines) => this.#spool.feeds(lines),
      settingsIdentity: this.#deps.settingsIdentity,
      clock: this.#deps.clock,
    });
  }

  async #reply(request: AgentRequest): Promise<string> {
    if (request.kind === "ping") return `OK tidemark ${this.#settings.version}`;
    this.#noteAsked();
    if (await this.#isOutdated()) throw outdated();
    await this.#queue.ask(request.path);
    return "OK";
  }

  /** One reading of the questions at a time; what comes while it runs is read right after. */
  #listen(): void {
    if (this.#stopped !== null) return;
    if (this.#listening !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#listening = this.#readQuestions()
      .catch((error: unknown) => this.#warn("the questions in the spool cannot be read", error))
      .finally(() => {
        this.#listening = null;
        if (this.#again) this.#listen();
      });
  }

  async #readQuestions(): Promise<void> {
    for (const question of await this.#spool.takeQuestions()) {
      this.#noteAsked();
      const answered = this.#answer(question)
        .catch((error: unknown) => this.#warn(`${question.ask} could not be answered`, error))
        .finally(() => this.#answering.delete(answered));
      this.#answering.add(answered);
    }
  }

  async #answer({ ask, act, path, settings }: AgentQuestion): Promise<void> {
    // Without an answer: the shell sees it end, and starts Node, which reads the settings.
    if (await this.#isOutdated()) return;
    try {
      if (await this.#areOthers(settings)) return await this.#spool.answer(ask, "other");
      if (act === "push") await this.#queue.ask(path);
      else await this.#desk.serve(path, act === "fetch-partial");
      await this.#spool.answer(ask, "ok");
    } catch (error) {
      this.#warn(ask, error);
      const [sentence, ...hints] = troubleLines(error);
      await this.#spool.answer(ask, `error ${sentence}`, ...hints);
    }
  }

  /** Nothing more is stored where the settings said before: this agent ends, and whoever comes next reads them. */
  async #isOutdated(): Promise<boolean> {
    const now = await this.#deps.readSettingsIdentity().catch(() => null);
    if (now === this.#deps.settingsIdentity) return false;
    if (this.#stopped === null) {
      this.#deps.logger.warn("the settings were changed: this agent ends, and the next one reads them");
    }
    void this.stop();
    return true;
  }

  /** Whether those are settings of somebody else who named the same spool. Under a name of another container's they are not seen. */
  async #areOthers(settings: string): Promise<boolean> {
    const identity = await identityOf(settings).catch(() => this.#deps.settingsIdentity);
    return identity !== this.#deps.settingsIdentity;
  }

  async #beat(): Promise<void> {
    if (this.#stopped !== null) return;
    try {
      await this.#spool.beat();
    } catch (error) {
      this.#warn("the spool cannot be written", error);
    }
  }

  async #tidy(): Promise<void> {
    const quietMs = this.#deps.clock.monotonicMs() - this.#askedAtMs;
    const { idleMs } = this.#settings;
    if (idleMs !== null && Math.min(quietMs, this.#desk.unusedMs) > idleMs && this.#answering.size === 0) {
      void this.stop();
      return;
    }
    try {
      if (this.#desk.unusedMs > feedIdleMs) await this.#desk.stop();
      await this.#spool.tidy(new Date(this.#deps.clock.now().getTime() - answerAgeMs));
    } catch (error) {
      this.#warn("the spool cannot be tidied", error);
    }
  }

  #noteAsked(): void {
    this.#askedAtMs = this.#deps.clock.monotonicMs();
  }

  #warn(what: string, error: unknown): void {
    this.#deps.logger.warn({ err: error }, what);
  }
}

function outdated(): AppError {
  return new AppError("agent-unreachable", {
    message: "the settings of this host were changed since its agent began, so it ends",
    hint: "start `tidemark wal agent` again, unless a service or archive_command does",
  });
}

const pollMs = 200;
/** The command gives up after five seconds without one (apps/cli/bin/tidemark). */
const beatMs = 1000;
const tidyMs = 5000;
/** Nobody waits that long for an answer. */
const answerAgeMs = 600_000;
/** A recovery that did not ask for so long is over; what was fetched ahead for it is thrown away. */
const feedIdleMs = 600_000;
