import { AppError, crc32c, systemClock } from "@tidemark/kit";
import type { ReplicationSession, SqlSession } from "@tidemark/postgres";
import type { BackupFacts, BackupWalRange, BackupWriter, ServerArea } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import type { SourceDetails } from "./backup-source.ts";
import { planReading, type ReadingQuestion } from "./incremental-plan.ts";

const address = { host: "127.0.0.1", port: 5432 };
const mib = (count: number) => BigInt(count) << 20n;
const histories: Readonly<Record<number, string>> = {
  2: "1\t0/1000000\tno recovery target specified\n",
  3: "1\t0/1000000\tno recovery target specified\n2\t0/3000000\tno recovery target specified\n",
};

interface World {
  readonly major?: number;
  readonly fullBecause?: ReadingQuestion["fullBecause"];
  readonly parent?: Partial<BackupFacts> | null;
  readonly parentProblem?: string;
  readonly distrust?: string;
  readonly checksumsEnabled?: boolean;
  readonly timeline?: number;
  /** The parent's copy of a history file. */
  readonly storedHistory?: string | null;
  readonly sql?: "none" | "refused" | "elsewhere" | "other-cluster";
  readonly summarizes?: boolean;
  readonly summaries?: readonly { readonly timeline: number; readonly start: string; readonly end: string }[];
  readonly recovering?: boolean;
  readonly redo?: string;
  readonly restarted?: boolean;
}

const range = (timeline: number, start: number, end: number): BackupWalRange => ({
  timeline,
  startLsn: mib(start),
  endLsn: mib(end),
});

async function plan(world: World) {
  const facts = {
    systemIdentifier: 7n,
    checksumsEnabled: true,
    startedAt: new Date(0),
    walRanges: [range(1, 4, 6)],
    youngPages: null,
    ...world.parent,
  };
  const parent = world.parent === null ? null : (facts as unknown as BackupFacts);
  const history = world.storedHistory === undefined ? (histories[2] as string) : world.storedHistory;
  const question = {
    fullBecause: world.fullBecause ?? null,
    parent: {
      parentId: parent === null ? null : "bak_parent",
      facts: parent,
      whyNone: parent === null ? "there is no backup to build on yet" : "",
      distrust: world.distrust ?? null,
      isFirst: parent === null,
      avoidPackIds: new Set<string>(),
    },
    area: areaWith(history, parent),
    writer: { parentProblem: world.parentProblem ?? null } as BackupWriter,
    details: { major: world.major ?? 18, checksumsEnabled: world.checksumsEnabled ?? true, systemIdentifier: 7n },
    session: sessionOf(),
    timeline: world.timeline ?? 1,
    connectSql: world.sql === "none" ? undefined : async () => sqlOf(world),
    connectPrimary: undefined,
    restartpointWaitMs: 0,
    clock: systemClock,
    control: { signal: new AbortController().signal, emit: () => undefined },
  };
  return await planReading({ ...question, details: question.details as SourceDetails });
}

function areaWith(history: string | null, facts: BackupFacts | null): ServerArea {
  const files = async function* () {
    if (history === null) return;
    const path = Buffer.from("pg_wal/00000002.history");
    yield { path, sizeBytes: BigInt(history.length), crc32c: crc32c(Buffer.from(history)) };
  };
  return { openManifest: async () => ({ files, backup: { facts } }) } as unknown as ServerArea;
}

function sessionOf(): ReplicationSession {
  const timelineHistory = async (timeline: number) =>
    timeline === 1 ? null : { fileName: "", content: Buffer.from(histories[timeline] ?? "") };
  return { opened: { address }, timelineHistory } as unknown as ReplicationSession;
}

/** Answers by a word of each question. */
function sqlOf(world: World): SqlSession {
  if (world.sql === "refused") throw new AppError("hba-entry-missing", { message: "no line lets us in" });
  const answers: readonly (readonly [word: string, rows: readonly object[]])[] = [
    ["pg_control_system", [{ identifier: world.sql === "other-cluster" ? "8" : "7" }]],
    ["summarizer_state", [{ enabled: world.summarizes ?? true, lsn: "F/0", timeline: 1, pid: 7 }]],
    ["pg_is_in_recovery() AS recovering", [{ recovering: world.recovering ?? false }]],
    ["pg_control_checkpoint", [{ lsn: "0/0", redo_lsn: world.redo ?? "0/0", timeline: 1, in_recovery: true }]],
    ["pg_available_wal_summaries", world.summaries ?? [{ timeline: 1, start: "0/400000", end: "0/700000" }]],
    ["pg_postmaster_start_time", [{ restarted: world.restarted ?? true }]],
    ["is_limit_block", []],
  ];
  const query = async (text: string) => answers.find(([word]) => text.includes(word))?.[1] ?? [];
  const host = world.sql === "elsewhere" ? "127.0.0.2" : address.host;
  return { opened: { address: { ...address, host } }, query, close: async () => undefined } as unknown as SqlSession;
}

describe("planReading", () => {
  it("plans an increment from the parent's start", async () => {
    expect(await plan({})).toMatchObject({
      kind: "incremental",
      plan: { parentId: "bak_parent", from: { timeline: 1, lsn: mib(4) }, known: [{ timeline: 1 }] },
    });
  });

  it("goes on across a change of timeline, and where the parent itself saw one", async () => {
    const summaries = [
      { timeline: 1, start: "0/400000", end: "0/1000000" },
      { timeline: 2, start: "0/1000000", end: "0/2000000" },
    ];
    expect(await plan({ timeline: 2, summaries })).toMatchObject({ kind: "incremental" });
    const walRanges = [range(2, 16, 20), range(1, 4, 16)];
    const crossed = await plan({ timeline: 2, summaries, parent: { walRanges } });
    expect(crossed).toMatchObject({ kind: "incremental", plan: { from: { timeline: 1, lsn: mib(4) }, walRanges } });
  });

  it("says what was asked for, and that there is nothing to build on, as no news", async () => {
    const asked = { why: "it was asked for", isNews: false };
    expect(await plan({ fullBecause: asked })).toEqual({ kind: "full", ...asked });
    expect(await plan({ parent: null })).toEqual({
      kind: "full",
      why: "there is no backup to build on yet",
      isNews: false,
    });
  });

  const onTwo = { timeline: 2, parent: { walRanges: [range(2, 20, 22)] } };
  it.each<[string, World, string | RegExp]>([
    ["a server before 17", { major: 16 }, "PostgreSQL 16 has no incremental backups; they came with 17"],
    ["a parent from before there were increments", { parent: { walRanges: null } }, /does not say which WAL it needs/],
    ["a parent without WAL", { parent: { walRanges: [] } }, /does not say which WAL it needs/],
    ["a parent a drill proved wrong", { distrust: "it holds wrong pages" }, "it holds wrong pages"],
    [
      "a parent the repository cannot read",
      { parentProblem: "it is gone" },
      "the last backup cannot be built on: it is gone",
    ],
    [
      "checksums switched on",
      { parent: { checksumsEnabled: false } },
      "page checksums were switched on since the last backup",
    ],
    ["checksums switched off", { checksumsEnabled: false }, "page checksums were switched off since the last backup"],
    ["no SQL", { sql: "none" }, /^without an SQL session nobody can tell which relations/],
    ["SQL that is refused", { sql: "refused" }, "no increment could be planned: no line lets us in"],
    ["SQL to another node", { sql: "elsewhere" }, "SQL went to 127.0.0.2:5432, the copy comes from 127.0.0.1:5432"],
    ["SQL to another cluster", { sql: "other-cluster" }, "SQL went to another cluster than the copy comes from"],
    [
      "a server that was started anew since a parent with more young pages than are listed",
      { parent: { youngPages: { files: [], isWhole: false } } },
      /^the server was started anew since the last backup/,
    ],
    ["summaries switched off", { summarizes: false }, "the server does not summarize its WAL (summarize_wal is off)"],
    [
      "summaries that begin too late",
      { summaries: [{ timeline: 1, start: "0/500000", end: "0/600000" }] },
      /^the server has no WAL summaries of timeline 1 from 0\/400000 on/,
    ],
    [
      "summaries with a hole",
      {
        summaries: [
          { timeline: 1, start: "0/400000", end: "0/480000" },
          { timeline: 1, start: "0/500000", end: "0/600000" },
        ],
      },
      /from 0\/480000 on/,
    ],
    [
      "a server that was put back to before the parent, and made other WAL on the same timeline",
      { summaries: [{ timeline: 1, start: "0/300000", end: "0/700000" }] },
      /^the server made no checkpoint at 0\/400000, where the last backup began/,
    ],
    [
      "an earlier timeline that was not summarized to its end",
      { timeline: 2, summaries: [{ timeline: 1, start: "0/400000", end: "0/F00000" }] },
      /timeline 1 from 0\/F00000 on/,
    ],
    [
      "summaries of a timeline behind the point where the server left it",
      { timeline: 2, summaries: [{ timeline: 1, start: "0/400000", end: "0/1100000" }] },
      /^the server has WAL summaries of timeline 1 behind 0\/1000000/,
    ],
    [
      "a parent of a timeline the server never was on",
      { parent: { walRanges: [range(4, 4, 6)] } },
      "the last backup is of timeline 4, which is not in the server's history",
    ],
    [
      "a parent that goes on where the server turned off",
      { timeline: 2, parent: { walRanges: [range(1, 4, 17)] } },
      "the last backup goes to 0/1100000 on timeline 1, which the server left at 0/1000000",
    ],
    [
      "a parent of another timeline of the same number",
      { ...onTwo, storedHistory: "1\t0/900000\tno recovery target specified\n" },
      "the last backup's timeline 2 came about in another way than the server's",
    ],
    [
      "a parent without its timeline's history",
      { ...onTwo, storedHistory: null },
      /does not say how its timeline 2 came about/,
    ],
    [
      "a standby without a restartpoint behind the parent",
      { recovering: true, redo: "0/5FFFFF" },
      /^the standby made no restartpoint behind 0\/600000, the end of the last backup, within 0 s/,
    ],
  ])("reads everything because of %s, and says so", async (_, world, why) => {
    const expected = typeof why === "string" ? why : expect.stringMatching(why);
    expect(await plan(world)).toEqual({ kind: "full", why: expected, isNews: true });
  });

  it("goes on where all young pages are listed, or the server ran on", async () => {
    const listed = { youngPages: { files: [], isWhole: true } };
    expect(await plan({ parent: listed })).toMatchObject({ kind: "incremental" });
    const ranOn = await plan({ parent: { youngPages: { files: [], isWhole: false } }, restarted: false });
    expect(ranOn).toMatchObject({ kind: "incremental" });
  });

  it("takes a standby whose restartpoint is behind the parent", async () => {
    expect(await plan({ recovering: true, redo: "0/600000" })).toMatchObject({ kind: "incremental" });
  });

  it("does not take a mistake of ours for a reason", async () => {
    const area = { openManifest: async () => Promise.reject(new AppError("internal", { message: "a mistake" })) };
    const question = {
      parent: { parentId: "bak", facts: { walRanges: [range(1, 4, 6)] }, distrust: null },
      fullBecause: null,
    };
    const rest = { area, writer: { parentProblem: null }, details: { major: 18 }, connectSql: async () => sqlOf({}) };
    const control = { signal: new AbortController().signal };
    await expect(planReading({ ...question, ...rest, control } as unknown as ReadingQuestion)).rejects.toThrow(
      "a mistake",
    );
  });
});
