import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { throttleLimits } from "./auth/login-throttle.ts";
import { adminPassword, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const viewer = "{ viewer { name kind access mustChangePassword } }";

async function sessionCookie(): Promise<string> {
  const response = await api.login();
  expect(response.status).toBe(200);
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

describe("who may ask", () => {
  it("answers nobody but `viewer`, and keeps the schema closed to strangers", async () => {
    expect(await api.graphql(viewer, {}, {})).toMatchObject({ status: 200, data: { viewer: null } });
    for (const query of [
      "{ system { version } }",
      "{ __schema { types { name } } }",
      "{ ...q } fragment q on Query { overview { sentence } }",
    ]) {
      const answer = await api.graphql(query, {}, {});
      expect(answer.status).toBe(401);
      expect(answer.errors?.[0]?.extensions.code).toBe("not-authenticated");
    }
    const rest = await fetch(`${api.url}/api/v1/servers`);
    expect(rest.status).toBe(401);
    expect(rest.headers.get("content-type")).toContain("application/problem+json");
  });

  it("gives a session in a cookie scripts cannot read, and ends it on logout", async () => {
    const response = await api.login();
    const [cookie] = response.headers.getSetCookie();
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Lax/i);
    expect(cookie).not.toMatch(/Secure/i);
    const token = decodeURIComponent(cookie?.split("=")[1] ?? "").split(".")[0] ?? "";
    expect(token.length).toBeGreaterThan(20);
    expect(await response.text()).not.toContain(token);
    const session = await fetch(`${api.url}/api/auth/get-session`, {
      headers: { cookie: cookie?.split(";")[0] ?? "" },
    });
    const said = await session.text();
    expect(said).toContain("mustChangePassword");
    expect(said).not.toContain(token);
    const headers = { cookie: await sessionCookie() };
    expect((await api.graphql(viewer, {}, headers)).data.viewer).toEqual({
      name: "admin",
      kind: "USER",
      access: "FULL",
      mustChangePassword: true,
    });
    const out = await fetch(`${api.url}/api/auth/sign-out`, { method: "POST", headers });
    expect(out.status).toBe(200);
    expect((await api.graphql(viewer, {}, headers)).data.viewer).toBeNull();
  });

  it("sends the cookie over TLS alone where people come by https", async () => {
    await using behindTls = await testApi({ publicUrl: new URL("https://tidemark.example.com") });
    const response = await behindTls.login(adminPassword, { origin: "https://tidemark.example.com" });
    expect(response.headers.getSetCookie()[0]).toMatch(/; Secure/);
    expect(response.headers.get("strict-transport-security")).toContain("max-age");
  });

  it("asks no more for a password once it was changed, and audits the change", async () => {
    const headers = { cookie: await sessionCookie(), "content-type": "application/json" };
    const change = (currentPassword: string, newPassword: string) =>
      fetch(`${api.url}/api/auth/change-password`, {
        method: "POST",
        headers,
        body: JSON.stringify({ currentPassword, newPassword }),
      });
    expect((await change("wrong", "another-password")).status).toBe(400);
    expect((await change(adminPassword, "short")).status).toBe(400);
    expect((await change(adminPassword, "another-password")).status).toBe(200);
    expect((await api.graphql(viewer, {}, headers)).data.viewer.mustChangePassword).toBe(false);
    expect((await api.login()).status).toBe(401);
    expect((await change("another-password", adminPassword)).status).toBe(200);
    const { rows } = await api.metadata.audit.list({ first: 100 });
    const outcomes = rows.filter((row) => row.action === "changePassword").map((row) => row.outcome);
    expect(outcomes).toEqual(["ok", "ok", "bad-request", "bad-request"]);
  });

  it("serves nothing else of better-auth: no signing up, no login by mail", async () => {
    for (const path of ["/api/auth/sign-up/email", "/api/auth/sign-in/email", "/api/auth/delete-user"]) {
      const response = await fetch(`${api.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      });
      expect(response.status).toBe(404);
    }
  });

  it("tells an expired token from an unknown and a revoked one", async () => {
    const expired = await api.makeToken("full", new Date(Date.now() - 1000));
    const asked = async (token: string) => {
      const answer = await api.graphql(viewer, {}, { authorization: `Bearer ${token}` });
      return [answer.status, answer.errors?.[0]?.extensions.code];
    };
    expect(await asked(expired)).toEqual([401, "token-expired"]);
    expect(await asked("tmk_unknownunknownunknown")).toEqual([401, "not-authenticated"]);
    const rest = await api.rest("GET", "/api/v1/runs", undefined, { authorization: `Bearer ${expired}` });
    expect([rest.status, rest.body.code]).toEqual([401, "token-expired"]);
    const created = await api.graphql(
      'mutation { createApiToken(input: { name: "ci", access: READ_ONLY, expiresInDays: 1 }) { secret token { id } userErrors { code } } }',
    );
    const { secret, token } = created.data.createApiToken;
    expect((await api.graphql(viewer, {}, { authorization: `Bearer ${secret}` })).data.viewer.access).toBe("READ_ONLY");
    await api.graphql("mutation ($id: ID!) { revokeApiToken(input: { id: $id }) { token { revokedAt } } }", {
      id: token.id,
    });
    expect(await asked(secret)).toEqual([401, "not-authenticated"]);
  });

  it("lets a read-only token look and not act, and audits the try", async () => {
    const authorization = `Bearer ${await api.makeToken("read-only")}`;
    expect((await api.graphql("{ system { version } }", {}, { authorization })).status).toBe(200);
    const tried = await api.graphql(
      'mutation { createPolicy(input: { name: "p" }) { policy { id } userErrors { code } } }',
      {},
      { authorization },
    );
    expect(tried.data.createPolicy).toEqual({ policy: null, userErrors: [{ code: "not-allowed" }] });
    const rest = await api.rest("POST", "/api/v1/runs", { kind: "backup", serverId: "srv_x" }, { authorization });
    expect([rest.status, rest.body.code]).toEqual([403, "not-allowed"]);
    const { rows } = await api.metadata.audit.list({ first: 2 });
    expect(rows.map((row) => [row.action, row.outcome])).toEqual([
      ["takeBackup", "not-allowed"],
      ["createPolicy", "not-allowed"],
    ]);
  });

  it("refuses what a page of another site makes the browser send, login included", async () => {
    const cookie = await sessionCookie();
    const mutation = 'mutation { createPolicy(input: { name: "evil" }) { policy { id } userErrors { code } } }';
    const foreign: Record<string, string>[] = [
      { cookie, origin: "https://evil.example" },
      { cookie, "sec-fetch-site": "cross-site" },
    ];
    for (const headers of foreign) {
      const answer = await fetch(`${api.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ query: mutation }),
      });
      expect(answer.status).toBe(403);
    }
    expect((await api.login(adminPassword, { origin: "https://evil.example" })).status).toBe(403);
    const own = await api.graphql(mutation, {}, { cookie, origin: api.url });
    expect(own.data.createPolicy.userErrors).toEqual([]);
    // A form can send these without asking first; Apollo's CSRF prevention refuses them.
    const form = await fetch(`${api.url}/graphql`, {
      method: "POST",
      headers: { cookie, "content-type": "text/plain" },
      body: "{}",
    });
    expect(form.status).toBeGreaterThanOrEqual(400);
    const get = await fetch(`${api.url}/graphql?query=${encodeURIComponent("{viewer{name}}")}`, {
      headers: { cookie },
    });
    expect(get.status).toBe(400);
  });

  it("refuses further logins after ten failures, with when to come back", async () => {
    const statuses: number[] = [];
    for (let index = 0; index < throttleLimits.perAddress + 1; index++) {
      statuses.push((await api.login(`wrong password ${index}`)).status);
    }
    // Failures of the tests before count too.
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    const refused = await api.login();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: "rate-limited" });
  });
});
