import { majors, standbyOf, type TestServer, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { roleScript } from "../privileges/role-script.ts";
import { applyRemedy, runScript } from "./apply-remedy.fixture.ts";
import type { CheckResult } from "./check.ts";
import { checkServer, labPassword, labRole } from "./check-lab.fixture.ts";
import { serverChecks } from "./server-checks.ts";

/** What a careful administrator has: the rest is PostgreSQL's defaults. */
const wellKept = { fsync: true, password_encryption: "scram-sha-256", max_slot_wal_keep_size: -1 };

const told = (results: readonly CheckResult[]): string[] =>
  results
    .filter(({ state, severity }) => state === "found" && severity !== "note")
    .map(({ id, severity, found }) => `${id} (${severity}): ${found}`);

/** What is told of a well-kept server nevertheless. */
const noted = (results: readonly CheckResult[]): string[] =>
  results
    .filter(({ id, state, severity }) => state === "found" && severity === "note" && !versionDependent.has(id))
    .map(({ id }) => id);
/** True of a minor or of the date, not of the server's keeping. */
const versionDependent = new Set(["known-backup-defects", "version-supported"]);

/** Asserts what holds of every list of results, whatever the server. */
function expectWholeList(results: readonly CheckResult[]): void {
  expect(results.map(({ id }) => id)).toEqual(serverChecks.map(({ id }) => id));
  for (const result of results) {
    expect(result.found, result.id).not.toBe("");
    if (result.state === "ok") expect(result.remedy, result.id).toBeNull();
    if (result.state !== "found" || result.remedy === null) continue;
    const { sql, settings, hba, advice } = result.remedy;
    expect(sql ?? settings ?? hba ?? advice, result.id).toBeTruthy();
  }
}

describe.each(majors)("PostgreSQL %i", (major) => {
  it("finds nothing wrong with a well-kept server and the smallest role, and every check answers, on a standby too", async () => {
    await using primary = await testServer({ major, settings: wellKept });
    await makeRole(primary);
    const minimal = await checkServer(primary);
    expectWholeList(minimal);
    // npm's builds are behind the newest minor of some majors, which is true and no fault of the server's keeper.
    expect(told(minimal).filter((line) => !line.startsWith("known-backup-defects"))).toEqual([]);

    await expectRightsToMakeAsked(primary, minimal);

    const superuser = { user: primary.superuser, password: primary.password };
    const whole = await checkServer(primary, {}, undefined, superuser);
    expectWholeList(whole);
    const notAsked = whole.filter(({ state }) => state === "not-asked").map(({ id }) => id);
    expect(notAsked.sort()).toEqual(notAskedOnPrimary(major).sort());
    expect(noted(whole)).toEqual(notedOnPrimary(major));
    expect(whole.find(({ id }) => id === "excess-privileges")).toMatchObject({ state: "found", severity: "risk" });

    await using standby = await standbyOf(primary);
    for (const login of [{ user: labRole, password: labPassword }, superuser]) {
      const results = await checkServer(standby, {}, undefined, login);
      expectWholeList(results);
      for (const id of ["archive-mode", "archive-command", "exclusive-backup"]) {
        expect(results.find((result) => result.id === id)).toMatchObject({ state: "not-asked" });
      }
      expect(results.find(({ id }) => id === "standby-connected")).toMatchObject({ state: "ok" });
      expect(results.find(({ id }) => id === "recovery-paused")).toMatchObject({ state: "ok" });
    }
  });
});

async function makeRole(server: TestServer): Promise<void> {
  const { major } = server;
  await runScript(server, roleScript({ major, role: labRole, purpose: "backup", database: "postgres" }));
  await server.query(`ALTER ROLE "${labRole.replaceAll('"', '""')}" PASSWORD '${labPassword}'`);
}

/** What the role may not read is not asked; the grant that comes with it is all it needs, and no more is left unasked. */
async function expectRightsToMakeAsked(server: TestServer, minimal: readonly CheckResult[]): Promise<void> {
  const hidden = minimal.filter(({ state, remedy }) => state === "not-asked" && remedy !== null);
  expect(hidden.map(({ id }) => id).sort()).toEqual(["configuration-invalid", "configuration-outside-data-directory"]);
  for (const { remedy } of hidden) if (remedy !== null) await applyRemedy(server, remedy);
  const ids = hidden.map(({ id }) => id);
  for (const { state } of await checkServer(server, {}, ids)) expect(state).toBe("ok");
}

function notedOnPrimary(major: number): string[] {
  return [...(major >= 17 ? ["summarize-wal"] : []), "track-commit-timestamp", "archive-mode"];
}

function notAskedOnPrimary(major: number): string[] {
  return [
    "archive-timeout",
    "archiver-health",
    "own-slot-active",
    "own-slot-exists",
    "own-slot-status",
    "recovery-paused",
    "standby-connected",
    ...(major < 17 ? ["summarize-wal"] : []),
    ...(major < 18 ? ["slot-idle-timeout"] : []),
    ...(major > 14 ? ["exclusive-backup"] : []),
  ];
}
