import type { Server, WalReceiverRow } from "@tidemark/metadata";
import { expect, it } from "vitest";
import { rpoOf } from "./server-wal.ts";

const now = new Date("2026-11-22T08:00:00Z");
const ago = (ms: number) => new Date(now.getTime() - ms);
const server = { walMode: "push", connection: "postgresql://db/postgres" } as Server;

function asked(about: Partial<WalReceiverRow>): WalReceiverRow {
  return {
    ...{ serverId: "srv", workerId: "wrk", fence: 0n, state: "streaming", systemIdentifier: null, timeline: null },
    ...{ receivedLsn: null, flushedLsn: 100n, serverLsn: 100n, lastCommit: null, lastMessageAt: ago(5_000) },
    ...{
      caughtUpAt: ago(5_000),
      reconnects: 0,
      error: null,
      stateSince: ago(60_000),
      updatedAt: ago(5_000),
      slot: null,
    },
    ...about,
  };
}

it("tells of a server that pushes what would be lost, from what it is asked", () => {
  expect(rpoOf(server, asked({}), now)).toEqual({ kind: "zero" });
  const behind = asked({ serverLsn: 150n, caughtUpAt: ago(90_000) });
  expect(rpoOf(server, behind, now)).toEqual({ kind: "behind", ageMs: 90_000, bytes: 50n, certainty: "at-most" });
});

it.each([
  ["no connection to it is known", { ...server, connection: "" } as Server, asked({})],
  ["was not asked yet", server, null],
  ["refused", server, asked({ state: "waiting", error: { code: "connection-refused", message: "it refused" } })],
  ["no worker has asked it", server, asked({ updatedAt: ago(300_000) })],
  ["no WAL of it is durable yet", server, asked({ flushedLsn: null })],
])("does not know it, and says why: %s", (reason, about, row) => {
  const lost = rpoOf(about, row, now);
  expect(lost.kind === "unknown" ? lost.reason : "").toContain(reason);
});
