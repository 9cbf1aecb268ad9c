import { AppError } from "@tidemark/kit";
import { type FaultProxy, type Faults, faultProxy, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import { createRestorePoint } from "./create-restore-point.ts";
import { createSlot } from "./create-slot.ts";
import { dropSlot } from "./drop-slot.ts";
import { planSlotDrop } from "./plan-slot-drop.ts";
import { switchWal } from "./switch-wal.ts";

let server: TestServer;
let session: SqlSession;

beforeAll(async () => {
  server = await testServer({ major: 18, walSegmentSizeMb: 1, settings: { max_replication_slots: 3 } });
  session = await SqlSession.connect(parseDsn(server.dsn()));
});

afterAll(async () => {
  await session?.close();
  await server?.[Symbol.asyncDispose]();
});

/** A client that streams from a slot; it does not come back when ended. */
async function streamFrom(slot: string): Promise<pg.Client> {
  const client = await streamer();
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
  client.query(`START_REPLICATION SLOT ${slot} PHYSICAL ${row?.lsn}`).catch(() => undefined);
  await waitFor(() => isActive(slot), { what: "the slot to be in use" });
  return client;
}

async function streamer(): Promise<pg.Client> {
  const options = { connectionString: server.dsn(), replication: "true", application_name: "streamer" };
  const client = new pg.Client(options as pg.ClientConfig);
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function isActive(slot: string): Promise<boolean> {
  const [row] = await server.query("SELECT active FROM pg_replication_slots WHERE slot_name = $1", [slot]);
  return row?.active === true;
}

async function slotNames(): Promise<unknown[]> {
  return (await server.query("SELECT slot_name FROM pg_replication_slots ORDER BY 1")).map((row) => row.slot_name);
}

describe("a slot in use", () => {
  it("is dropped with its session when that was shown, and refused when another has it since", async () => {
    await createSlot(session, { name: "used", reserveWal: true });
    const idle = await planSlotDrop(session, "used");
    const first = await streamFrom("used");
    await expect(dropSlot(session, idle)).rejects.toMatchObject({ code: "plan-stale" });

    const shown = await planSlotDrop(session, "used");
    expect(shown).toMatchObject({ active: true, own: false });
    expect(shown.client).toContain('"streamer" as role "postgres" from 127.0.0.1');
    expect(shown.consequences.join(" ")).toContain("is ended");
    await first.end();
    await waitFor(async () => !(await isActive("used")), { what: "the slot to be free" });
    const second = await streamFrom("used");
    await expect(dropSlot(session, shown)).rejects.toMatchObject({ code: "plan-stale" });
    expect(await isActive("used")).toBe(true);

    const again = await planSlotDrop(session, "used");
    expect(await dropSlot(session, again)).toEqual({ name: "used", endedPid: again.activePid });
    expect(await slotNames()).toEqual([]);
    await second.end().catch(() => undefined);
  });

  it("is dropped although its client comes back whenever it is ended", async () => {
    await createSlot(session, { name: "used", reserveWal: true });
    const stubborn = new AbortController();
    const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
    const streaming = (async () => {
      while (!stubborn.signal.aborted) {
        const client = await streamer();
        // It never answers; it fails when the session is ended, or at once while the slot is not to be had.
        await client.query(`START_REPLICATION SLOT used PHYSICAL ${row?.lsn}`).catch(() => undefined);
        await client.end();
      }
    })();
    await waitFor(() => isActive("used"), { what: "the slot to be in use" });
    const plan = await planSlotDrop(session, "used");
    // Far longer than by default: this client comes back at once, and on a busy machine before we have our turn.
    const dropped = dropSlot(session, plan, { releaseMs: 60_000 }).finally(() => stubborn.abort());
    expect(await dropped).toEqual({ name: "used", endedPid: plan.activePid });
    await streaming;
    expect(await slotNames()).toEqual([]);
  });

  it("says that its client was cut off when it could not be dropped after that", async () => {
    await createSlot(session, { name: "used", reserveWal: true });
    const client = await streamFrom("used");
    const plan = await planSlotDrop(session, "used");
    const query: SqlSession["query"] = (text, ...rest) =>
      text.includes("pg_drop_replication_slot")
        ? Promise.reject(new AppError("slot-in-use", { message: "somebody has it again" }))
        : session.query(text, ...rest);
    const late = { major: session.major, query } as SqlSession;
    await expect(dropSlot(late, plan, { releaseMs: -1 })).rejects.toMatchObject({
      code: "slot-in-use",
      message: "somebody has it again; the session that streamed from it was ended before",
    });
    await client.end().catch(() => undefined);
    await dropSlot(session, await planSlotDrop(session, "used"));
  });

  it("is stale too when somebody used it and let go again", async () => {
    await createSlot(session, { name: "used", reserveWal: true });
    const plan = await planSlotDrop(session, "used");
    await switchWal(session);
    await server.query("SELECT pg_replication_slot_advance('used', pg_current_wal_lsn())");
    await expect(dropSlot(session, plan)).rejects.toMatchObject({ code: "plan-stale" });
    await dropSlot(session, await planSlotDrop(session, "used"));
  });

  it("goes with its session when it is temporary", async () => {
    const holder = await server.client();
    await holder.query("SELECT pg_create_physical_replication_slot('held', true, true)");
    const plan = await planSlotDrop(session, "held");
    expect(plan).toMatchObject({ temporary: true, active: true });
    expect((await dropSlot(session, plan)).endedPid).toBe(plan.activePid);
    expect(await slotNames()).toEqual([]);
  });

  it("keeps its client when the role may not drop it", async () => {
    await createSlot(session, { name: "used", reserveWal: true });
    const client = await streamFrom("used");
    await server.query("CREATE ROLE weak LOGIN PASSWORD 'w' IN ROLE pg_signal_backend");
    const weak = await SqlSession.connect(parseDsn(server.dsn({ user: "weak", password: "w" })));
    const plan = await planSlotDrop(weak, "used");
    await expect(dropSlot(weak, plan)).rejects.toMatchObject({ code: "replication-not-permitted" });
    await server.query("ALTER ROLE weak REPLICATION");
    // The client is a superuser's; only superusers end those.
    await expect(dropSlot(weak, plan)).rejects.toMatchObject({ code: "privilege-missing" });
    expect(await isActive("used")).toBe(true);
    await weak.close();
    await client.end();
    await waitFor(async () => !(await isActive("used")), { what: "the slot to be free" });
    await dropSlot(session, await planSlotDrop(session, "used"));
  });
});

it("both kinds of session refuse slots with the same codes", async () => {
  const replication = await ReplicationSession.connect(parseDsn(server.dsn()));
  for (const name of ["one", "two", "three"]) await createSlot(session, { name, reserveWal: false });
  const full = { code: "replication-slots-exhausted" };
  await expect(createSlot(session, { name: "four", reserveWal: false })).rejects.toMatchObject(full);
  await expect(replication.createPhysicalSlot("four", { reserveWal: false })).rejects.toMatchObject(full);
  await replication.dropSlot("three");
  await expect(replication.dropSlot("three")).rejects.toMatchObject({ code: "slot-missing" });
  await expect(replication.createPhysicalSlot("one", { reserveWal: false })).rejects.toMatchObject({
    code: "slot-exists",
  });
  const client = await streamFrom("two");
  await expect(replication.dropSlot("two")).rejects.toMatchObject({ code: "slot-in-use" });
  await client.end();
  await waitFor(async () => !(await isActive("two")), { what: "the slot to be free" });
  for (const name of ["one", "two"]) await replication.dropSlot(name);
  await replication.close();
});

describe("a line that breaks", () => {
  const broken: readonly [name: string, faults: Faults][] = [
    ["cut", { cutAfterBytes: 1 }],
    ["reset", { resetAfterBytes: 1 }],
    ["stalled", { stallAfterBytes: 1 }],
  ];

  it.each(broken)("(%s) leaves it open whether an act happened, and no session behind", async (_name, faults) => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
    const acts: readonly ((sql: SqlSession) => Promise<unknown>)[] = [
      (sql) => switchWal(sql, { answerWithinMs: 200 }),
      (sql) => createRestorePoint(sql, "point", { answerWithinMs: 200 }),
      (sql) => createSlot(sql, { name: "perhaps", reserveWal: true }, { answerWithinMs: 200 }),
    ];
    for (const act of acts) {
      const sql = await throughProxy(proxy);
      proxy.setFaults(faults);
      const error = await act(sql).catch((thrown: unknown) => thrown);
      proxy.setFaults({});
      expect(error).toBeInstanceOf(AppError);
      expect(["connection-lost", "connection-timeout"]).toContain((error as AppError).code);
      await sql.close();
    }
    await waitFor(async () => (await sessionsOf("through-proxy")) === 0, { what: "the sessions to end" });
    // What is there now is what happened; the error claimed neither.
    for (const name of await slotNames()) await dropSlot(session, await planSlotDrop(session, String(name)));
  });

  it("says so when the act itself was under way", async () => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
    const sql = await throughProxy(proxy);
    // Asked once before, so that nothing but the act itself is on the line.
    await switchWal(sql);
    await server.query("SELECT pg_logical_emit_message(false, '', 'x')");
    proxy.setFaults({ cutAfterBytes: 1 });
    const [before] = await server.query<{ at: string }>("SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS at");
    const error = await switchWal(sql).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "connection-lost", context: { outcomeUnknown: true } });
    expect(String(error)).toContain("whether it happened is not known");
    // This time it did; only the server could tell.
    const [after] = await server.query<{ at: string }>("SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS at");
    expect(after?.at).not.toBe(before?.at);
  });
});

async function throughProxy(proxy: FaultProxy): Promise<SqlSession> {
  return await SqlSession.connect({
    ...parseDsn(server.dsn()),
    hosts: [{ host: "127.0.0.1", hostAddress: null, port: proxy.port }],
    applicationName: "through-proxy",
  });
}

async function sessionsOf(application: string): Promise<number> {
  return (await server.query("SELECT FROM pg_stat_activity WHERE application_name = $1", [application])).length;
}
