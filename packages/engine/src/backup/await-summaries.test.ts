import { systemClock } from "@tidemark/kit";
import type { SqlSession } from "@tidemark/postgres";
import { describe, expect, it } from "vitest";
import { awaitSummaries } from "./await-summaries.ts";

interface State {
  readonly lsn: string;
  readonly timeline: number;
}

/** Answers with one state of the summarizer after the other, the last for ever; gives how often it was asked. */
async function asked(redo: string, timelineBegin: bigint, states: readonly State[]): Promise<number> {
  let times = 0;
  const query = async (text: string) => {
    if (text.includes("pg_control_checkpoint")) return [{ lsn: redo, redo_lsn: redo, timeline: 1, in_recovery: false }];
    return [{ enabled: true, pid: 7, ...states[Math.min(times++, states.length - 1)] }];
  };
  const signal = new AbortController().signal;
  await awaitSummaries({ query } as unknown as SqlSession, timelineBegin, systemClock, signal);
  return times;
}

describe("awaitSummaries", () => {
  const before = { lsn: "0/400000", timeline: 1 };

  it("waits for the last checkpoint", async () => {
    expect(await asked("0/500000", 0n, [before, { lsn: "0/500000", timeline: 1 }])).toBe(2);
  });

  it("waits for the end of the timeline before, which a promotion leaves before any checkpoint", async () => {
    expect(await asked("0/300000", 0x600000n, [before, { lsn: "0/600000", timeline: 1 }])).toBe(2);
  });

  it("waits for a summarizer that has not looked since the server started", async () => {
    expect(await asked("0/300000", 0n, [{ lsn: "0/0", timeline: 0 }, before])).toBe(2);
  });

  it("does not wait for what is there", async () => {
    expect(await asked("0/400000", 0x400000n, [before])).toBe(1);
  });
});
