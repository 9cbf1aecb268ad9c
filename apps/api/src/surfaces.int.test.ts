import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createClient } from "graphql-sse";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operationLimits } from "./graphql/operation-rules.ts";
import { graphiqlFolder } from "./http/graphiql-routes.ts";
import { sampleChecks, sampleSnapshot } from "./sample-inspection.ts";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

const web = createServer((request, response) => {
  response
    .setHeader("content-type", "text/html")
    .end(`<p>the dashboard at ${request.url} for ${request.headers["x-forwarded-host"]}</p>`);
});

let api: TestApi;
let seeded: Awaited<ReturnType<typeof seedBackup>>;
beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const address = web.address();
  api = await testApi({ webUrl: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` });
  seeded = await seedBackup(api.metadata);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  web.close();
});

const deep = `{ node(id: "x") { ... on Server ${"{ lastBackup { server ".repeat(8)} { id } ${"} }".repeat(8)} } }`;
const costly = `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: servers(first: 100) { nodes { id name connection policy { id name sentence } repository { id name } schedules { id cron } } }`).join(" ")} }`;

describe("limits", () => {
  it("refuses an operation that is too deep or too costly before anything is executed", async () => {
    const codes = [];
    for (const query of [deep, costly]) {
      const answer = await api.graphql(query);
      codes.push([answer.status, answer.data, answer.errors?.[0]?.extensions.code]);
    }
    expect(codes).toEqual([
      [400, undefined, "query-too-deep"],
      [400, undefined, "query-too-costly"],
    ]);
  });

  it("refuses a page of 101, of 0, and one without a size", async () => {
    for (const page of ["first: 101", "first: 0", "last: 101", "after: null", "first: 1, last: 1"]) {
      const answer = await api.graphql(`{ servers(${page}) { nodes { id } } }`);
      expect(answer.errors?.[0]?.extensions.code, page).toBe("page-size-out-of-range");
    }
    const rest = await api.rest("GET", "/api/v1/servers?limit=101");
    expect([rest.status, rest.body.code]).toEqual([400, "page-size-out-of-range"]);
  });

  it("walks a list forth and back by its cursors", async () => {
    const page = async (args: string) =>
      (
        await api.graphql(
          `{ backups(${args}) { nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`,
        )
      ).data.backups;
    const first = await page("first: 1");
    expect(first.nodes).toEqual([{ id: seeded.newer.id }]);
    expect(first).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const second = await page(`first: 1, after: "${first.pageInfo.endCursor}"`);
    expect(second.nodes).toEqual([{ id: seeded.older.id }]);
    expect((await page(`last: 1, before: "${second.pageInfo.startCursor}"`)).nodes).toEqual(first.nodes);
    const wrong = await api.graphql('{ backups(first: 1, after: "nonsense") { nodes { id } } }');
    expect(wrong.errors?.[0]?.extensions.code).toBe("bad-request");
  });

  it("masks what is not ours and logs it under the id it tells", async () => {
    const { findings } = api.metadata;
    const { open } = findings;
    const broken = { ...findings, open: () => Promise.reject(new Error("the secret inside")) };
    (api.metadata as { findings: unknown }).findings = broken;
    const answer = await api.graphql("{ overview { sentence } }");
    (api.metadata as { findings: unknown }).findings = { ...findings, open };
    expect(answer.errors?.[0]?.extensions.code).toBe("internal");
    expect(JSON.stringify(answer)).not.toContain("the secret inside");
    const errorId = /error ([0-9a-f-]{36})/.exec(answer.errors?.[0]?.message ?? "")?.[1];
    expect(
      api.everything.some((line) => line.includes(`"errorId":"${errorId}"`) && line.includes("the secret inside")),
    ).toBe(true);
  });
});

describe("the event stream", () => {
  const subscription =
    "subscription ($run: ID!, $after: Int) { runEvents(runId: $run, afterSeq: $after) { seq message runState } }";

  async function appended(runId: string, events: readonly { level: "info"; message: string }[]): Promise<number> {
    const seq = await api.metadata.runs.appendEvents(runId, events);
    if (seq === null) throw new Error("the run had ended");
    return seq;
  }

  async function startedRun(): Promise<string> {
    const { run } = await api.metadata.runs.create({
      kind: "collect",
      request: { serverId: seeded.server.id },
      requestedBy: "tidemark",
      serverId: seeded.server.id,
    });
    await api.metadata.workers.register({ id: "wrk_1", hostname: "test", pid: 1, version: "0", restoreRoots: [] });
    await api.metadata.runs.claim(run.id, "wrk_1");
    return run.id;
  }

  it("replays from any number, goes on live, and ends with the run", async () => {
    const runId = await startedRun();
    const last = await appended(
      runId,
      ["one", "two", "three"].map((message) => ({ level: "info" as const, message })),
    );
    const client = createClient({
      url: `${api.url}/graphql/stream`,
      headers: { authorization: `Bearer ${api.token}` },
      retryAttempts: 0,
    });
    const heard: { seq: number; message: string; runState: string }[] = [];
    for await (const result of client.iterate({ query: subscription, variables: { run: runId, after: last - 2 } })) {
      expect(result.errors).toBeUndefined();
      heard.push((result.data as never as { runEvents: (typeof heard)[number] }).runEvents);
      if (heard.length === 2) await api.metadata.runs.appendEvents(runId, [{ level: "info", message: "live" }]);
      if (heard.at(-1)?.message === "live")
        await api.metadata.runs.finish(runId, { state: "succeeded", message: "done" });
    }
    client.dispose();
    expect(heard.slice(0, 3).map((event) => event.message)).toEqual(["two", "three", "live"]);
    expect(heard.map((event) => event.seq)).toEqual(heard.map((_, index) => last - 1 + index));
    expect(heard.at(-1)?.runState).toBe("SUCCEEDED");
  });

  it("has the same login, depth and cost limits as /graphql", async () => {
    const ask = async (query: string, headers: Record<string, string>) => {
      const response = await fetch(`${api.url}/graphql/stream`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
        body: JSON.stringify({ query, variables: { run: "run_x" } }),
      });
      const text = await response.text();
      const code = /"code":"([a-z-]+)"/.exec(text)?.[1];
      return [response.status, code];
    };
    const authorization = `Bearer ${api.token}`;
    expect(await ask(subscription, {})).toEqual([401, "not-authenticated"]);
    const expired = await api.makeToken("full", new Date(Date.now() - 1));
    expect(await ask(subscription, { authorization: `Bearer ${expired}` })).toEqual([401, "token-expired"]);
    expect(await ask(deep, { authorization })).toEqual([400, "query-too-deep"]);
    expect(await ask(costly, { authorization })).toEqual([400, "query-too-costly"]);
    expect((await ask(subscription, { authorization }))[1]).toBe("not-found");
    const foreign = await ask(subscription, { cookie: "tidemark.session_token=x", origin: "https://evil.example" });
    expect(foreign).toEqual([403, "not-allowed"]);
    expect(operationLimits.depth).toBeLessThan(20);
  });

  it("is cut, not completed, when the api stops", async () => {
    const runId = await startedRun();
    const other = await testApi();
    const response = await fetch(`${other.url}/graphql/stream?query=${encodeURIComponent("{ viewer { name } }")}`, {
      headers: { authorization: `Bearer ${other.token}`, accept: "text/event-stream" },
    });
    expect(await response.text()).toContain("event: complete");
    const seed = await seedBackup(other.metadata);
    const { run } = await other.metadata.runs.create({
      kind: "collect",
      request: {},
      requestedBy: "tidemark",
      serverId: seed.server.id,
    });
    const open = await fetch(`${other.url}/graphql/stream`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${other.token}`,
        accept: "text/event-stream",
        "content-type": "application/json",
      },
      body: JSON.stringify({ query: subscription, variables: { run: run.id, after: 0 } }),
    });
    const reading = open.text().then(
      (text) => text,
      () => "cut",
    );
    await other[Symbol.asyncDispose]();
    expect(await reading).toBe("cut");
    await api.metadata.runs.finish(runId, { state: "cancelled" });
  });
});

describe("REST", () => {
  it("starts acts with 202 and where to follow them, once per key", async () => {
    const ask = () =>
      api.rest(
        "POST",
        "/api/v1/runs",
        { kind: "backup", serverId: seeded.server.id, label: "rest" },
        { "idempotency-key": "rest-1" },
      );
    const started = await ask();
    expect(started.status).toBe(202);
    expect(started.headers.get("location")).toBe(`/api/v1/runs/${started.body.id}`);
    expect((await ask()).body.id).toBe(started.body.id);
    const run = await api.rest("GET", started.headers.get("location") ?? "");
    expect(run.body).toMatchObject({ kind: "backup", state: "queued" });
    expect((await api.rest("POST", `/api/v1/runs/${started.body.id}/cancel`)).body.state).toBe("cancelled");
    expect((await api.rest("POST", `/api/v1/runs/${started.body.id}/cancel`)).body).toMatchObject({
      status: 409,
      code: "run-already-final",
    });
    const unknown = await api.rest("POST", "/api/v1/runs", { kind: "dance" });
    expect([unknown.status, unknown.body.field]).toEqual([400, "kind"]);
    const events = await api.rest("GET", `/api/v1/runs/${started.body.id}/events?afterSeq=0`);
    expect(events.body.items[0].seq).toBe(1);
  });

  it("links the next page and guards changes with the ETag", async () => {
    const page = await api.rest("GET", "/api/v1/backups?limit=1&state=restorable");
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
    expect((await api.rest("GET", next ?? "")).body).toMatchObject({
      items: [{ id: seeded.older.id }],
      nextCursor: null,
      totalCount: 2,
    });
    const path = `/api/v1/servers/${seeded.server.id}`;
    const server = await api.rest("GET", path);
    const etag = server.headers.get("etag") ?? "";
    expect(server.body).toMatchObject({
      name: "main",
      protection: { state: expect.any(String) },
      lastBackupId: seeded.newer.id,
    });
    expect((await api.rest("PATCH", path, { name: "renamed" })).status).toBe(400);
    const renamed = await api.rest("PATCH", path, { name: "renamed" }, { "if-match": etag });
    expect([renamed.status, renamed.body.name]).toEqual([200, "renamed"]);
    const late = await api.rest("PATCH", path, { name: "again" }, { "if-match": etag });
    expect([late.status, late.body.code]).toEqual([412, "version-conflict"]);
  });

  it("answers errors as problem documents, also for what is no JSON and for paths it does not know", async () => {
    const broken = await fetch(`${api.url}/api/v1/runs`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.token}`, "content-type": "application/json" },
      body: "{",
    });
    expect([broken.status, broken.headers.get("content-type")]).toEqual([
      400,
      "application/problem+json; charset=utf-8",
    ]);
    const unknown = await api.rest("GET", "/api/v1/nonsense");
    expect(unknown.body).toMatchObject({
      type: "urn:tidemark:problem:not-found",
      title: "Not found",
      status: 404,
      code: "not-found",
    });
    expect((await api.rest("GET", "/api/v1/openapi.json")).body.openapi).toBe("3.1.1");
  });
});

describe("one port", () => {
  it("hands what it does not know to the dashboard, with headers that keep the page to itself", async () => {
    const page = await fetch(`${api.url}/servers/main`);
    expect(await page.text()).toContain(`the dashboard at /servers/main for ${new URL(api.url).host}`);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(page.headers.get("x-frame-options")).toBe("DENY");
  });

  it("says of each thing it needs whether it answers", async () => {
    expect(await (await fetch(`${api.url}/healthz`)).json()).toEqual({ status: "ok" });
    await api.metadata.workers.stop("wrk_1");
    const before = await fetch(`${api.url}/readyz`);
    expect(before.status).toBe(503);
    const states = ((await before.json()) as { checks: { name: string; state: string }[] }).checks.map((one) => [
      one.name,
      one.state,
    ]);
    expect(states).toEqual([
      ["metadata", "ok"],
      ["queue", "ok"],
      ["worker", "failed"],
      ["web", "ok"],
    ]);
    await api.metadata.workers.register({
      id: "wrk_2",
      hostname: "test",
      pid: 2,
      version: "0",
      restoreRoots: ["/srv"],
    });
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    expect((await api.graphql("{ system { restoreRoots workers { alive } } }")).data.system.restoreRoots).toEqual([
      "/srv",
    ]);
  });

  it("serves the explorer to whoever is logged in and to nobody else", async () => {
    expect((await fetch(`${api.url}/graphiql`)).status).toBe(401);
    const { status } = await api.rest("GET", "/graphiql");
    // Without the bundle it is a sentence about what to run.
    expect(status).toBe(existsSync(join(graphiqlFolder, "index.html")) ? 200 : 404);
  });

  it("asks as many questions of the database for three servers as for one", async () => {
    const asked = countCalls(api.metadata);
    const list = async () => {
      asked.count = 0;
      const answer = await api.graphql(
        "{ servers(first: 10) { nodes { name protection { state reasons } lastBackup { startLsn run { id } } lastProven { id } nextBackupAt runningRun { id schedule { id } } schedules { sentence nextTimes(count: 2) lastRun { id } } findings { id } offline { id } snapshot { observedAt } checks { id } members { name } policy { sentence } repository { name } } } }",
      );
      expect(answer.errors).toBeUndefined();
      return { count: asked.count, nodes: answer.data.servers.nodes };
    };
    const one = await list();
    const second = await seedBackup(api.metadata, "second");
    await api.metadata.servers.recordLook(second.server.id, {
      observedAt: new Date(sampleSnapshot.observedAt),
      document: sampleSnapshot,
      checks: sampleChecks,
      findings: { checked: [], seen: [] },
    });
    const third = await seedBackup(api.metadata, "third");
    await api.metadata.offline.setOffline({ serverId: third.server.id, by: "user:admin", reason: "a new disk" });
    const three = await list();
    expect(three.nodes).toHaveLength(3);
    expect(three.count).toBe(one.count);
    expect(three.nodes[0]).toMatchObject({ lastBackup: { startLsn: "16/B374D848" }, nextBackupAt: expect.any(String) });
    expect(three.nodes[0].schedules[0].nextTimes).toHaveLength(2);
    expect(
      three.nodes.map((one: { checks: unknown[]; offline: unknown }) => [one.checks.length, one.offline !== null]),
    ).toEqual([
      [0, false],
      [3, false],
      [0, true],
    ]);
  });

  it("says the first page's sentence", async () => {
    const { data } = await api.graphql(
      "{ overview { sentence restorableServers totalServers needsYou { id } running { id } } }",
    );
    expect(data.overview).toMatchObject({
      totalServers: 3,
      restorableServers: 3,
      sentence: expect.stringContaining("3 of 3 servers can be restored"),
    });
  });
});

/** Counts the calls of every store from now on. */
function countCalls(metadata: TestApi["metadata"]): { count: number } {
  const calls = { count: 0 };
  const stores = metadata as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>;
  for (const name of ["runs", "servers", "repositories", "policies", "schedules", "backups", "findings", "offline"]) {
    const store = stores[name] ?? {};
    stores[name] = Object.fromEntries(
      Object.entries(store).map(([method, call]) => [
        method,
        (...args: unknown[]) => {
          calls.count++;
          return call.apply(store, args);
        },
      ]),
    );
  }
  return calls;
}
