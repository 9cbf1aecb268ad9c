import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { boundedMemory, systemClock } from "@tidemark/kit";
import { parseLsn } from "@tidemark/postgres";
import { type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { expect, it } from "vitest";
import type { ManyReceiversLine, ManyReceiversOrder } from "./many-receivers.child.ts";

/** The long form: 20 receivers from four servers for so long. Otherwise six from two for some seconds. */
const minutes = Number(process.env.TIDEMARK_RECEIVERS_MINUTES ?? 0);
const isLong = minutes > 0;
const serverCount = isLong ? 4 : 2;
const slotsEach = isLong ? 5 : 3;
const loadMs = isLong ? minutes * 60_000 : 5_000;

const longestSliceMs = 50;
const longestLagMs = 1_000;
/** Between the first third, when everything has been used once, and the last: what a collector leaves lying. */
const growthBytes = 24 << 20;

it(
  `receives from ${serverCount} servers by ${slotsEach} slots each in one process: no long slice, no growth, no lag`,
  async () => {
    await using stack = new AsyncDisposableStack();
    const servers: TestServer[] = [];
    for (let index = 0; index < serverCount; index++) {
      const settings = { max_wal_senders: 12, max_replication_slots: 12 };
      servers.push(stack.use(await testServer({ major: index % 2 === 0 ? 18 : 15, walSegmentSizeMb: 1, settings })));
    }
    const dir = stack.use(await tempDir("many"));
    const child = startChild({ dsns: servers.map((one) => one.dsn()), slotsEach, repository: dir.join("repository") });
    stack.defer(() => child.end("SIGKILL"));
    await waitFor(() => child.lines.length > 0 || child.hasEnded(), { what: "the receivers to stream" });
    const until = systemClock.monotonicMs() + loadMs;
    const loads = servers.map((server) => new WatchedLoad(server));
    await Promise.all(loads.map((load) => load.run(() => systemClock.monotonicMs() < until)));
    await Promise.all(loads.map((load) => load.untilDurable()));
    await child.end("SIGTERM");

    const last = child.lines.at(-1);
    expect(last).toMatchObject({ isOver: true, gaps: 0, reconnects: 0 });
    const slots = await servers[0]?.query("SELECT 1 FROM pg_replication_slots WHERE NOT active");
    expect(slots).toHaveLength(slotsEach);
    expect(last?.longestSliceMs).toBeLessThan(longestSliceMs);
    const third = Math.floor(child.lines.length / 3);
    const used = peakOf(child.lines.slice(0, 2 * third));
    expect(peakOf(child.lines.slice(-third)) - used, `${used} bytes resident before`).toBeLessThan(growthBytes);
    const lagMs = Math.max(...loads.map((load) => load.longestLagMs));
    console.log(
      `${serverCount * slotsEach} receivers, ${loads.reduce((sum, load) => sum + load.commits, 0)} commits: ` +
        `${Math.round(lagMs)} ms behind at most, ${(last?.longestSliceMs ?? 0).toFixed(1)} ms longest slice, ` +
        `${Math.round((last?.residentBytes ?? 0) / (1 << 20))} MiB`,
    );
    // A machine that is busy with other tests says nothing about it.
    if (isLong) expect(lagMs).toBeLessThan(longestLagMs);
  },
  loadMs + 120_000,
);

function peakOf(lines: readonly ManyReceiversLine[]): number {
  return Math.max(0, ...lines.map(({ residentBytes }) => residentBytes));
}

/** Commits to a server at a steady pace, and watches how old the oldest one is that some receiver has not made durable. */
class WatchedLoad {
  longestLagMs = 0;
  commits = 0;
  readonly #server: TestServer;
  #open: { readonly lsn: bigint; readonly atMs: number }[] = [];

  constructor(server: TestServer) {
    this.#server = server;
  }

  async run(goesOn: () => boolean): Promise<void> {
    const writer = await this.#server.client();
    const watcher = await this.#server.client();
    await writer.query("CREATE TABLE tide (body text)");
    await writer.query("ALTER TABLE tide ALTER body SET STORAGE EXTERNAL");
    const watching = (async () => {
      while (goesOn()) {
        await this.#look(watcher);
        await delay(50);
      }
    })();
    while (goesOn()) {
      // About a mebibyte a second, in small commits and large ones.
      const kilobytes = this.commits % 10 === 0 ? 300 : 10;
      await writer.query("INSERT INTO tide SELECT repeat(md5(random()::text), $1)", [kilobytes * 32]);
      const { rows } = await writer.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
      this.#open.push({ lsn: parseLsn(rows[0]?.lsn ?? ""), atMs: systemClock.monotonicMs() });
      this.commits++;
      if (this.commits % 50 === 0) await writer.query("TRUNCATE tide");
      await delay(40);
    }
    await watching;
  }

  async untilDurable(): Promise<void> {
    const watcher = await this.#server.client();
    await waitFor(
      async () => {
        await this.#look(watcher);
        return this.#open.length === 0;
      },
      { what: "the last commit to be durable" },
    );
    await watcher.end();
  }

  async #look(watcher: { query<R extends object>(sql: string): Promise<{ rows: R[] }> }): Promise<void> {
    const { rows } = await watcher.query<{ lsn: string | null; count: string }>(
      "SELECT min(flush_lsn)::text AS lsn, count(flush_lsn) FROM pg_stat_replication",
    );
    const durable = rows[0]?.lsn == null || Number(rows[0].count) < slotsEach ? 0n : parseLsn(rows[0].lsn);
    this.#open = this.#open.filter(({ lsn }) => lsn > durable);
    const [oldest] = this.#open;
    if (oldest !== undefined) {
      this.longestLagMs = Math.max(this.longestLagMs, systemClock.monotonicMs() - oldest.atMs);
    }
  }
}

interface ReceiversProcess {
  readonly lines: readonly ManyReceiversLine[];
  hasEnded(): boolean;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

function startChild(order: ManyReceiversOrder): ReceiversProcess {
  const script = fileURLToPath(new URL("./many-receivers.child.ts", import.meta.url));
  const args = [...boundedMemory.nodeFlags, script, JSON.stringify(order)];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: { ...process.env, ...boundedMemory.environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: ManyReceiversLine[] = [];
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((line) => JSON.parse(line) as ManyReceiversLine));
  });
  const closed = once(child, "close");
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    lines,
    hasEnded,
    end: async (signal) => {
      if (!hasEnded()) child.kill(signal);
      await closed;
    },
  };
}
