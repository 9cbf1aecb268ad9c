import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api[Symbol.asyncDispose]());

async function metrics(): Promise<string> {
  const token = await api.makeToken("read-only");
  const response = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  return await response.text();
}

describe("/metrics", () => {
  it("tells nobody who did not log in", async () => {
    expect((await fetch(`${api.url}/metrics`)).status).toBe(401);
  });

  it("tells of each server how it is protected and what would be lost", async () => {
    const { server } = await seedBackup(api.metadata, 'a "quoted" name');
    await api.metadata.servers.update(server.id, { walMode: "stream" });
    await api.metadata.walReceivers.report({
      serverId: server.id,
      workerId: newId("worker"),
      fence: 1n,
      state: "streaming",
      systemIdentifier: "7",
      timeline: 1,
      receivedLsn: 1_900n,
      flushedLsn: 1_000n,
      serverLsn: 2_000n,
      lastCommit: null,
      lastMessageAt: null,
      caughtUpAgoMs: 60_000,
      reconnects: 2,
      error: null,
    });
    await api.metadata.walReceivers.reportSlot({
      serverId: server.id,
      walStatus: "extended",
      restartLsn: 1_000n,
      safeBytes: 12_345n,
      retainedBytes: 1_000n,
      serverLsn: 2_000n,
      walBytesPerSecond: 1,
      fullAt: null,
    });
    const text = await metrics();
    const of = (name: string) => {
      const line = text.split("\n").find((one) => one.startsWith(`${name}{server="a \\"quoted\\" name"`));
      return line === undefined ? null : Number(line.split(" ").at(-1));
    };
    expect(text).toMatch(/tidemark_server_state\{server="a \\"quoted\\" name",state="[a-z-]+"\} 1/);
    expect(of("tidemark_wal_receiver_up")).toBe(1);
    expect(of("tidemark_wal_received_lag_bytes")).toBe(100);
    expect(of("tidemark_wal_flushed_lag_bytes")).toBe(1_000);
    expect(of("tidemark_rpo_seconds")).toBeGreaterThanOrEqual(60);
    expect(of("tidemark_slot_safe_bytes")).toBe(12_345);
    expect(of("tidemark_slot_lost")).toBe(0);
    expect(of("tidemark_wal_gaps")).toBe(0);
  });

  it("leaves out what is not known", async () => {
    await seedBackup(api.metadata, "quiet");
    const text = await metrics();
    expect(text).toContain('tidemark_server_offline{server="quiet"} 0');
    expect(text).not.toContain('tidemark_rpo_seconds{server="quiet"}');
    expect(text).not.toContain('tidemark_wal_receiver_up{server="quiet"}');
  });
});
